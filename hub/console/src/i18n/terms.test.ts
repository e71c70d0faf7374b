/** One word for one thing: terms that must not stand beside another one for the same. */
import { expect, test } from "vitest";
import { zh } from "./zh";

/** Every word of the screen, those that are put together included. */
function texts(of: unknown): string[] {
  if (typeof of === "string" || typeof of === "function") return [String(of)];
  return typeof of === "object" && of !== null ? Object.values(of).flatMap(texts) : [];
}

test.each([
  ["告警", "报警: what a sensor tells, as in 消防 and 安防"],
  ["案件", "事件: a case"],
])("nothing on the screen says %s; the word is %s", (word) => {
  expect(texts(zh).filter((text) => text.includes(word))).toEqual([]);
});
