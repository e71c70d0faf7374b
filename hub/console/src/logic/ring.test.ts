import { expect, test } from "vitest";
import { mustSound, ringing, stillMuted } from "./ring";
import { caseOf } from "./sample";

test("only a real P1 that nobody has acknowledged rings", () => {
  const cases = [
    caseOf({ id: 1 }),
    caseOf({ id: 2, acknowledged_at: "2026-11-22T03:00:30.000Z" }),
    caseOf({ id: 3, severity: "P2" }),
    caseOf({ id: 4, is_drill: true }),
  ];
  expect([...ringing(cases)]).toEqual([1]);
});

test("muting lasts until the next P1", () => {
  expect(mustSound(new Set([1]), new Set([1]))).toBe(false);
  expect(mustSound(new Set([1, 2]), new Set([1]))).toBe(true);
  expect(mustSound(new Set(), new Set())).toBe(false);
});

test("a case that stopped ringing is no longer muted", () => {
  expect([...stillMuted(new Set([2]), new Set([1, 2]))]).toEqual([2]);
});
