import { expect, test } from "vitest";
import { levelled } from "./marks";

test("marks that a script needs stay, piles of them are cut", () => {
  for (const text of ["烟感", "é", "กำแพง", "ང་ཚོ", "Việt", ""]) expect(levelled(text)).toBe(text);
  expect(levelled(`e${"\u0301".repeat(8)}x`)).toBe(`e${"\u0301".repeat(8)}x`);
  expect(levelled(`e${"\u0301".repeat(200)}x`)).toBe(`e${"\u0301".repeat(8)}…x`);
});
