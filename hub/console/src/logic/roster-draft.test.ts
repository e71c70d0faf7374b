import { expect, test } from "vitest";
import type { Roster } from "../data/rosters";
import { emptyRoster, lacksIn, moved, nextShift, sameRoster, tidy } from "./roster-draft";

const NAMES = ["白班", "夜班"];
const today = "2026-11-22";

test("two shifts that are added one after the other make a day", () => {
  let roster = emptyRoster("x");
  const day = nextShift(roster, today, NAMES);
  roster = { ...roster, shifts: [day] };
  const night = nextShift(roster, today, NAMES);
  expect([day.name, day.from, day.until]).toEqual(["白班", "08:00", "20:00"]);
  expect([night.name, night.from, night.until, night.first_day]).toEqual(["夜班", "20:00", "08:00", today]);
  roster = { ...roster, shifts: [day, night] };
  expect(nextShift(roster, today, NAMES).name).toBe("");
});

test("what is moved keeps its neighbours in order, and nothing moves over the ends", () => {
  expect(moved(["a", "b", "c"], 0, 1)).toEqual(["b", "a", "c"]);
  expect(moved(["a", "b", "c"], 2, -1)).toEqual(["a", "c", "b"]);
  expect(moved(["a", "b"], 0, -1)).toEqual(["a", "b"]);
  expect(moved(["a", "b"], 1, 1)).toEqual(["a", "b"]);
});

test("everything that the hub could not read is named, by shift and crew", () => {
  const roster: Roster = {
    area: "x",
    shifts: [
      { name: " ", from: "", until: "25:00", first_day: "soon", turn_days: Number.NaN, crews: [] },
      {
        name: "夜班",
        from: "20:00",
        until: "08:00",
        first_day: today,
        crews: [{ officers: ["a"] }, { officers: [] }],
      },
    ],
  };
  expect(lacksIn(roster).map(({ what, shift, crew }) => [what, shift, crew])).toEqual([
    ["name", 0, undefined],
    ["from", 0, undefined],
    ["until", 0, undefined],
    ["first_day", 0, undefined],
    ["turn_days", 0, undefined],
    ["crews", 0, undefined],
    ["officers", 1, 1],
  ]);
});

test("what was left empty is not sent, and a name is sent without blanks around it", () => {
  const crews = [{ officers: ["a"], shift_leader: null }];
  const roster: Roster = {
    area: "x",
    leader: null,
    shifts: [{ name: " 白班 ", from: "08:00", until: "20:00", first_day: today, crews }],
  };
  expect(tidy(roster)).toEqual({
    area: "x",
    shifts: [{ name: "白班", from: "08:00", until: "20:00", first_day: today, crews: [{ officers: ["a"] }] }],
  });
  expect(sameRoster(roster, tidy(roster))).toBe(true);
  expect(sameRoster(roster, { ...roster, leader: "boss" })).toBe(false);
});
