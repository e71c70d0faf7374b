import { expect, test } from "vitest";
import type { CalendarYear } from "../data/admin";
import {
  countsOf,
  faultOf,
  faultsBeside,
  makeupsOf,
  monthsOf,
  restDays,
  sameHours,
  stretchesOf,
  weeksOf,
} from "./calendar";

const work = ["08:00-12:00", "14:00-18:00"];
const week = [work, work, work, work, work, [], []];
const view = (year: number, days: CalendarYear["days"] = {}): CalendarYear => ({
  version: "1",
  year,
  known: true,
  notice: "",
  week,
  days,
  names: {},
});
const off = (...dates: string[]) => Object.fromEntries(dates.map((date) => [date, []]));

test("each month begins on its day of the week and has its days, February of a leap year too", () => {
  const months = monthsOf(view(2028));
  expect(months.map((month) => month.days.length)).toEqual([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]);
  // 2028-01-01 is a Saturday, 2028-05-01 a Monday.
  expect([months[0]?.lead, months[4]?.lead]).toEqual([5, 0]);
  for (const month of months) {
    const weeks = weeksOf(month);
    expect(weeks.every((each) => each.length === 7)).toBe(true);
    expect(weeks.flat().filter((each) => each !== null)).toEqual(month.days);
  }
});

test("a day is worked, off by its day of the week, a holiday, or worked instead", () => {
  const friday = ["08:00-12:00"];
  const months = monthsOf(view(2026, { ...off("2026-10-01", "2026-10-03"), "2026-10-10": friday }));
  const day = (n: number) => months[9]?.days[n - 1];
  expect([1, 2, 3, 4, 9, 10].map((n) => day(n)?.kind)).toEqual([
    "holiday",
    "work",
    "holiday",
    "rest",
    "work",
    "makeup",
  ]);
  expect(day(10)?.hours).toEqual(friday);
  // 2026 has 104 days of weekends; one of them is worked, one holiday is a weekday.
  expect(countsOf(months)).toEqual({ work: 261, off: 104 });
});

test("days off that follow each other are one stretch, with every name that the file gives", () => {
  const days = off("2025-10-02", "2025-10-01", "2025-10-06", "2025-10-03", "2025-12-30", "2026-01-02");
  const names = {
    "2025-10-01": "国庆节",
    "2025-10-02": "国庆节",
    "2025-10-03": "中秋节",
    "2025-10-06": "中秋节",
    "2025-12-30": "",
  };
  expect(stretchesOf({ days, names })).toEqual([
    { from: "2025-10-01", until: "2025-10-03", names: ["国庆节", "中秋节"] },
    { from: "2025-10-06", until: "2025-10-06", names: ["中秋节"] },
    { from: "2025-12-30", until: "2025-12-30", names: [] },
    { from: "2026-01-02", until: "2026-01-02", names: [] },
  ]);
});

test("days worked instead are in order, and days of the week with the same hours stand together", () => {
  expect(
    makeupsOf({ "2026-10-10": work, ...off("2026-10-01"), "2026-01-04": work }).map(([date]) => date),
  ).toEqual(["2026-01-04", "2026-10-10"]);
  expect(sameHours(week).map(({ from, until }) => [from, until])).toEqual([
    [0, 4],
    [5, 6],
  ]);
});

test("days off are told for each year by its own list, for other years by the week", () => {
  const isOff = restDays([view(2026, { ...off("2026-12-31") }), view(2027, off("2027-01-01"))]);
  expect(["2026-12-30", "2026-12-31", "2027-01-01", "2027-01-02", "2027-01-04"].map(isOff)).toEqual([
    false,
    true,
    true,
    true,
    false,
  ]);
  expect(isOff("2030-01-01")).toBe(false);
});

test("a year that is missing or was not checked is told once, before what the hub warns of for other years", () => {
  const year = (given: Partial<CalendarYear>) => faultOf({ ...view(2026), ...given });
  expect(year({ known: false })?.code).toBe("calendar_year_missing");
  expect(year({ notice: "" })?.code).toBe("calendar_year_unconfirmed");
  expect(year({ notice: "国办发明电〔2025〕7 号" })).toBeNull();
  const warned = [
    { code: "calendar_year_unconfirmed", year: 2026, detail: "a" },
    { code: "calendar_year_missing", year: 2027, detail: "b" },
  ];
  expect(faultsBeside(year({ notice: "" }), warned)).toEqual(warned);
  expect(
    faultsBeside({ code: "calendar_year_missing", year: 2030 }, warned).map((each) => each.year),
  ).toEqual([2030, 2026, 2027]);
  expect(faultsBeside(null, [])).toEqual([]);
});
