import { afterEach, describe, expect, test } from "vitest";
import type { Roster, RosterShift } from "../data/rosters";
import {
  DAY_MS,
  daysOf,
  gapsOf,
  type Local,
  lengthOf,
  localDay,
  minutesOf,
  periods,
  weekdayOf,
} from "./roster";

/** China Standard Time. */
const at = (text: string) => Date.parse(`${text}:00+08:00`);
const shift = (given: Partial<RosterShift> & Pick<RosterShift, "name" | "from" | "until">): RosterShift => ({
  first_day: "2026-01-01",
  crews: [],
  ...given,
});
/** Day and night, two crews that change places every day. */
const twoShifts = (first_day = "2026-01-01"): Roster => {
  const a = { officers: ["a1", "a2"], shift_leader: "sl-a" };
  const b = { officers: ["b1"], shift_leader: "sl-b" };
  return {
    area: "990101001",
    leader: "boss",
    shifts: [
      shift({ name: "day", from: "08:00", until: "20:00", first_day, crews: [a, b] }),
      shift({ name: "night", from: "20:00", until: "08:00", first_day, crews: [b, a] }),
    ],
  };
};
const holidays = (date: string) => date >= "2026-10-01" && date <= "2026-10-07";
const weekend = (date: string) => ["saturday", "sunday"].includes(weekdayOf(Date.parse(date) / DAY_MS));
const isOff = (date: string) => date !== "2026-10-10" && (holidays(date) || weekend(date));
const local = (given: Partial<Local> = {}): Local => ({
  offsetMinutes: 480,
  isOff,
  gone: new Set(),
  ...given,
});

function officers(roster: Roster, time: string, by = local()): string[] {
  const found = periods(roster, by, at(time), at(time) + 1)[0];
  return (found?.officers ?? []).map((each) => each.username);
}

describe("as the hub reckons (hub/src/roster/tests.rs)", () => {
  test("a night shift passes midnight, new year and the leap day", () => {
    const roster = twoShifts("2023-12-30");
    for (const [time, expected] of [
      ["2023-12-29T12:00", []],
      ["2023-12-30T07:59", []],
      ["2023-12-30T08:00", ["a1", "a2"]],
      ["2023-12-30T19:59", ["a1", "a2"]],
      ["2023-12-30T20:00", ["b1"]],
      ["2023-12-31T07:59", ["b1"]],
      ["2023-12-31T08:00", ["b1"]],
      ["2023-12-31T23:59", ["a1", "a2"]],
      ["2024-01-01T00:00", ["a1", "a2"]],
      ["2024-02-29T12:00", ["b1"]],
      ["2024-03-01T03:00", ["a1", "a2"]],
      ["2024-03-01T12:00", ["a1", "a2"]],
    ] as const)
      expect([time, officers(roster, time)]).toEqual([time, expected]);
  });

  test("a weekly turn changes crews every seven days, at the shift's own hour", () => {
    const crews = ["a", "b", "c"].map((name) => ({ officers: [name] }));
    const roster: Roster = {
      area: "x",
      shifts: [shift({ name: "all day", from: "08:00", until: "08:00", turn_days: 7, crews })],
    };
    for (const [time, expected] of [
      ["2026-01-01T09:00", "a"],
      ["2026-01-08T07:59", "a"],
      ["2026-01-08T08:00", "b"],
      ["2026-01-15T12:00", "c"],
      ["2026-01-22T12:00", "a"],
    ] as const)
      expect(officers(roster, time)).toEqual([expected]);
  });

  test("holidays and make-up days use the rotation of their kind", () => {
    const whole = { from: "00:00", until: "00:00" };
    const roster: Roster = {
      area: "x",
      shifts: [
        shift({ name: "work", ...whole, days: "working_days", crews: [{ officers: ["w"] }] }),
        shift({ name: "off", ...whole, days: "days_off", crews: [{ officers: ["h"] }] }),
      ],
    };
    for (const [time, expected] of [
      ["2026-09-30T23:59", "w"],
      ["2026-10-01T00:00", "h"],
      ["2026-10-07T23:59", "h"],
      ["2026-10-08T00:00", "w"],
      ["2026-10-10T12:00", "w"],
      ["2026-10-11T12:00", "h"],
    ] as const)
      expect(officers(roster, time)).toEqual([expected]);
  });

  test("an absence without a substitute leaves a gap when nobody else is there; before the first day nobody is", () => {
    const roster = twoShifts();
    roster.absences = [{ who: "b1", from: "2026-01-01T22:00:00+08:00", until: "2026-01-02T10:00:00+08:00" }];
    expect(gapsOf(periods(roster, local(), at("2026-01-01T00:00"), at("2026-01-03T00:00")))).toEqual([
      { from: at("2026-01-01T00:00"), until: at("2026-01-01T08:00") },
      { from: at("2026-01-01T22:00"), until: at("2026-01-02T10:00") },
    ]);
  });

  test("a substitute comes in the place of one person alone, and is named with whose place it is", () => {
    const roster = twoShifts();
    roster.substitutions = [
      { of: "a1", by: "x", from: "2026-01-01T10:00:00+08:00", until: "2026-01-01T12:00:00+08:00" },
    ];
    expect(officers(roster, "2026-01-01T09:59")).toEqual(["a1", "a2"]);
    expect(officers(roster, "2026-01-01T10:00")).toEqual(["x", "a2"]);
    expect(officers(roster, "2026-01-01T12:00")).toEqual(["a1", "a2"]);
    const [found] = periods(roster, local(), at("2026-01-01T10:00"), at("2026-01-01T10:01"));
    expect(found?.officers[0]).toEqual({ username: "x", insteadOf: "a1" });
    expect([found?.shiftLeader?.username, found?.leader?.username]).toEqual(["sl-a", "boss"]);
  });

  test("who has no account any more leaves the place empty", () => {
    const by = local({ gone: new Set(["b1"]) });
    expect(officers(twoShifts(), "2026-01-01T21:00", by)).toEqual([]);
    expect(officers(twoShifts(), "2026-01-01T12:00", by)).toEqual(["a1", "a2"]);
  });
});

test("a shift on some days of the week begins on them alone and goes on over midnight", () => {
  const night = shift({
    name: "n",
    from: "20:00",
    until: "08:00",
    weekdays: ["friday"],
    crews: [{ officers: ["f"] }],
  });
  const roster: Roster = { area: "x", shifts: [night] };
  // 2026-01-02 is a Friday.
  expect(officers(roster, "2026-01-02T19:59")).toEqual([]);
  expect(officers(roster, "2026-01-02T20:00")).toEqual(["f"]);
  expect(officers(roster, "2026-01-03T07:59")).toEqual(["f"]);
  expect(officers(roster, "2026-01-03T20:00")).toEqual([]);
});

test("periods fill a stretch without a hole or an overlap, and what is not filled in yet is not worked", () => {
  const roster = twoShifts();
  roster.shifts?.push(
    shift({ name: "", from: "", until: "09:00", crews: [{ officers: ["z"] }] }),
    shift({ name: "no day", from: "08:00", until: "09:00", first_day: "", crews: [{ officers: ["z"] }] }),
    shift({ name: "no crew", from: "08:00", until: "09:00" }),
    shift({
      name: "no turn",
      from: "20:00",
      until: "20:00",
      first_day: "2026-03-01",
      turn_days: Number.NaN,
      crews: [{ officers: ["q"] }],
    }),
  );
  const [from, until] = [at("2026-02-26T11:11"), at("2026-03-05T00:00")];
  const all = periods(roster, local(), from, until);
  expect(all[0]?.from).toBe(from);
  expect(all.at(-1)?.until).toBe(until);
  for (const [index, each] of all.slice(1).entries()) expect(each.from).toBe(all[index]?.until);
  expect(all.some((each) => each.officers.some(({ username }) => username === "z"))).toBe(false);
  expect(officers(roster, "2026-03-01T21:00")).toContain("q");
});

describe("the browser's own time zone plays no part", () => {
  const before = process.env.TZ;
  afterEach(() => {
    process.env.TZ = before;
  });

  test.each(["Asia/Shanghai", "America/New_York", "Europe/London", "Australia/Lord_Howe"])("%s", (zone) => {
    process.env.TZ = zone;
    // Both changes of the clock in each of these zones.
    for (const day of ["2026-03-07", "2026-03-28", "2026-04-04", "2026-10-03", "2026-10-24", "2026-10-31"]) {
      const all = periods(twoShifts(), local(), at(`${day}T00:00`), at(`${day}T00:00`) + 3 * DAY_MS);
      expect(all.map((each) => (each.until - each.from) / 3_600_000)).toEqual([8, 12, 12, 12, 12, 12, 4]);
      expect(gapsOf(all)).toEqual([]);
    }
  });
});

test("days are cut at local midnight, each with what is worked on it", () => {
  const all = periods(twoShifts(), local(), at("2026-10-01T09:30"), at("2026-10-02T09:30"));
  const days = daysOf(all, local());
  expect(days.map(({ date, weekday, off }) => [date, weekday, off])).toEqual([
    ["2026-10-01", "thursday", true],
    ["2026-10-02", "friday", true],
  ]);
  expect(days.map((day) => day.parts.map((part) => [part.from, part.until]))).toEqual([
    [
      [570, 1200],
      [1200, 1440],
    ],
    [
      [0, 480],
      [480, 570],
    ],
  ]);
});

test("lengths, times and days are read as they are written", () => {
  expect(lengthOf({ from: "20:00", until: "08:00" })).toBe(720);
  expect(lengthOf({ from: "08:00", until: "08:00" })).toBe(1440);
  expect(minutesOf("24:00")).toBeNaN();
  expect(minutesOf("8:00")).toBeNaN();
  expect(localDay(at("2026-01-01T00:00"), 480)).toBe(Date.parse("2026-01-01") / DAY_MS);
  expect(localDay(at("2026-01-01T00:00") - 1, 480)).toBe(Date.parse("2025-12-31") / DAY_MS);
});
