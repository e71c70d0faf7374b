import { expect, test } from "vitest";
import type { Transition } from "../data/types";
import { caseOf } from "./sample";
import { tiesOf } from "./ties";

const row = (seq: number, action: string, id: number): Transition => ({
  seq,
  at: "2026-11-22T03:00:00.000Z",
  actor: "wang",
  actor_name: "王芳",
  action,
  from: "reported",
  to: "reported",
  reason: `row ${seq}`,
  details: { case: id },
});

test("each tied case is told once, with the newest row that says why", () => {
  const found = caseOf({
    related: [4, 5, 6, 7],
    progress: { took_in: [4] },
    transitions: [
      row(1, "report", 5),
      row(2, "split_off", 4),
      row(3, "split_off", 6),
      row(4, "take_in", 4),
      row(5, "give_back", 4),
      row(6, "take_in", 4),
    ],
  });
  expect(tiesOf(found).map(({ id, how, row: why }) => [id, how, why?.seq])).toEqual([
    [4, "took", 6],
    [5, "partedFrom", 1],
    [6, "parted", 3],
    [7, "related", undefined],
  ]);
});

test("a merged case says where it went", () => {
  const merged = caseOf({ state: "merged", progress: { merged: { case: 9, from: "filed" } } });
  expect(tiesOf({ ...merged, transitions: [row(1, "merge", 9)] }).map((tie) => [tie.id, tie.how])).toEqual([
    [9, "into"],
  ]);
});
