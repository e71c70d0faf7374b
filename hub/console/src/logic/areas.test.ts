import { expect, test } from "vitest";
import type { Area } from "../data/types";
import { inTree } from "./areas";

const area = (code: string, parent?: string): Area => ({
  code,
  level: "grid",
  name: { zh: code, en: code },
  ...(parent === undefined ? {} : { parent }),
});

test("areas come below the one that they are part of, those whose parent is not seen at the top", () => {
  const found = inTree([area("b"), area("a1", "a"), area("a"), area("a11", "a1"), area("x", "elsewhere")]);
  expect(found.map(([each, depth]) => `${depth}${each.code}`)).toEqual(["0b", "0a", "1a1", "2a11", "0x"]);
});

test("a tree that goes in a circle ends", () => {
  expect(inTree([area("a", "b"), area("b", "a"), area("c", "c")])).toEqual([]);
});
