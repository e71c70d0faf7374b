import { expect, test } from "vitest";
import type { CaseState } from "../data/types";
import { isOpen, stepsOf, WAY, waits } from "./loop";

const been = (...states: CaseState[]) => new Set<CaseState>(states);

test("a new case has the whole way before it", () => {
  expect(stepsOf("reported", been("reported"))).toEqual(WAY);
});

test("steps that were not taken are left out once they are behind", () => {
  expect(stepsOf("closed", been("reported", "filed", "feedback", "closed"))).toEqual([
    "reported",
    "filed",
    "feedback",
    "closed",
    "evaluated",
  ]);
});

test("a rejected or merged case ends where others are closed", () => {
  expect(stepsOf("rejected", been("reported", "rejected"))).toEqual(["reported", "rejected"]);
  expect(stepsOf("merged", been("reported", "filed", "merged"))).toEqual(["reported", "filed", "merged"]);
});

test("a case that is held up has its step before it", () => {
  const steps = stepsOf("suspended", been("reported", "filed", "dispatched", "handling", "suspended"));
  expect(steps.slice(0, 5)).toEqual(["reported", "filed", "dispatched", "suspended", "handling"]);
  expect(stepsOf("consulting", been("reported", "filed", "consulting")).slice(0, 4)).toEqual([
    "reported",
    "filed",
    "consulting",
    "dispatched",
  ]);
});

test("verification before filing is shown when it takes place", () => {
  expect(stepsOf("pre_verify", been("reported", "pre_verify")).slice(0, 3)).toEqual([
    "reported",
    "pre_verify",
    "filed",
  ]);
});

test("only a case that nobody has acknowledged before filing waits", () => {
  expect(waits({ state: "reported" })).toBe(true);
  expect(waits({ state: "reported", acknowledged_at: "2026-11-22T03:00:00.000Z" })).toBe(false);
  expect(waits({ state: "pre_verify" })).toBe(true);
  expect(waits({ state: "filed" })).toBe(false);
  expect(isOpen({ state: "suspended" })).toBe(true);
  expect(isOpen({ state: "merged" })).toBe(false);
});
