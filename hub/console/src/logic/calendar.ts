/** A year of the working calendar: its months day by day, stretches of days off with what they are for. Pure. */
import type { CalendarYear } from "../data/admin";
import { DAY_MS, dateOf, dayNumber, WEEKDAYS, weekdayOf } from "./roster";

/** A day with the hours of its day of the week, one off like its kind, a holiday, or one worked instead. */
export type DayKind = "work" | "rest" | "holiday" | "makeup";

export interface CalendarDay {
  date: string;
  /** Day of the month. */
  day: number;
  kind: DayKind;
  /** Working hours, such as `09:00-12:00`. */
  hours: readonly string[];
}

export interface CalendarMonth {
  /** 1 to 12. */
  month: number;
  /** How many days of the week are before the first, Monday first. */
  lead: number;
  days: CalendarDay[];
}

type Days = Pick<CalendarYear, "week" | "days">;

const weekdayIndex = (day: number) => WEEKDAYS.indexOf(weekdayOf(day));

function dayOf({ week, days }: Days, number: number): CalendarDay {
  const date = dateOf(number);
  const other = Object.hasOwn(days, date) ? days[date] : undefined;
  const hours = other ?? week[weekdayIndex(number)] ?? [];
  const kind =
    other !== undefined ? (other.length === 0 ? "holiday" : "makeup") : hours.length === 0 ? "rest" : "work";
  return { date, day: Number(date.slice(8)), kind, hours };
}

/** The twelve months of a year. */
export function monthsOf(view: Days & { year: number }): CalendarMonth[] {
  return Array.from({ length: 12 }, (_, at) => {
    const first = Date.UTC(view.year, at, 1) / DAY_MS;
    const next = Date.UTC(view.year, at + 1, 1) / DAY_MS;
    const days = Array.from({ length: next - first }, (_, day) => dayOf(view, first + day));
    return { month: at + 1, lead: weekdayIndex(first), days };
  });
}

/** The weeks of a month, seven places each; null before the first and after the last day. */
export function weeksOf({ lead, days }: CalendarMonth): (CalendarDay | null)[][] {
  const places: (CalendarDay | null)[] = [...Array<null>(lead).fill(null), ...days];
  while (places.length % 7 !== 0) places.push(null);
  return Array.from({ length: places.length / 7 }, (_, week) => places.slice(week * 7, week * 7 + 7));
}

/** How many days are worked and how many are not. */
export function countsOf(months: readonly CalendarMonth[]): { work: number; off: number } {
  const days = months.flatMap((month) => month.days);
  const off = days.filter((each) => each.hours.length === 0).length;
  return { work: days.length - off, off };
}

/** Tells days off, for years that were asked for; of any other year by the days of the week alone. */
export function restDays(years: readonly CalendarYear[]): (date: string) => boolean {
  const byYear = new Map(years.map((each) => [each.year, each]));
  const week = years[0]?.week ?? [];
  return (date) => {
    const view = byYear.get(Number(date.slice(0, 4))) ?? { week, days: {} };
    return dayOf(view, dayNumber(date)).hours.length === 0;
  };
}

/** Days off, one after the other, with the names that the file gives them. */
export interface Stretch {
  from: string;
  until: string;
  names: string[];
}

export function stretchesOf({ days, names }: Pick<CalendarYear, "days" | "names">): Stretch[] {
  const off = Object.entries(days).filter(([, hours]) => hours.length === 0);
  const found: Stretch[] = [];
  for (const [date] of off.sort(([a], [b]) => (a < b ? -1 : 1))) {
    const last = found.at(-1);
    const name = Object.hasOwn(names, date) ? names[date] : undefined;
    const named = name === undefined || name === "" ? [] : [name];
    if (last !== undefined && dayNumber(date) === dayNumber(last.until) + 1) {
      last.until = date;
      last.names = [...new Set([...last.names, ...named])];
    } else found.push({ from: date, until: date, names: named });
  }
  return found;
}

/** Days worked instead, with their hours, in order. */
export function makeupsOf(days: CalendarYear["days"]): [string, readonly string[]][] {
  return Object.entries(days)
    .filter(([, hours]) => hours.length > 0)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Days of the week that follow each other and have the same hours, from Monday 0 to Sunday 6. */
export function sameHours(week: CalendarYear["week"]): { from: number; until: number; hours: string[] }[] {
  const found: { from: number; until: number; hours: string[] }[] = [];
  for (const [day, hours] of week.entries()) {
    const last = found.at(-1);
    if (last !== undefined && last.hours.join() === hours.join()) last.until = day;
    else found.push({ from: day, until: day, hours });
  }
  return found;
}

/** What is wrong with the calendar of a year. */
export interface CalendarFault {
  /** `calendar_year_missing`, `calendar_year_unconfirmed`, or another one of the hub's. */
  code: string;
  year: number;
}

/** What the calendar's own answer tells about its year; null when it was checked against a notice. */
export function faultOf({
  known,
  notice,
  year,
}: Pick<CalendarYear, "known" | "notice" | "year">): CalendarFault | null {
  if (!known) return { code: "calendar_year_missing", year };
  return notice === "" ? { code: "calendar_year_unconfirmed", year } : null;
}

/** The faults that are shown beside a year: its own first, then what the hub warns of, each once. */
export function faultsBeside<W extends CalendarFault>(
  shown: CalendarFault | null,
  warned: readonly W[],
): (CalendarFault | W)[] {
  const others = warned.filter((each) => each.year !== shown?.year || each.code !== shown.code);
  const mine = warned.find((each) => each.year === shown?.year && each.code === shown.code);
  return shown === null ? [...others] : [mine ?? shown, ...others];
}
