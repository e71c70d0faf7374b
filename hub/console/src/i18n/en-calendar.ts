/** English words of the working calendar; part of `en-admin.ts`. */
import type { zhCalendar } from "./zh-calendar";

const MONTHS = ["January", "February", "March", "April", "May", "June", "July"];
MONTHS.push("August", "September", "October", "November", "December");

export const enCalendar: typeof zhCalendar = {
  year: "Year",
  before: "Year before",
  after: "Year after",
  thisYear: "This year",
  ofYear: (year) => String(year),
  version: (version) => `Version ${version} of the calendar's file`,
  counts: (work, off) => `${work} working days, ${off} days off`,
  month: (month) => MONTHS[month - 1] ?? String(month),
  dayShort: ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"],
  weekday: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
  through: (from, until) => `${from} to ${until}`,
  hours: "Working hours of the week",
  off: "off",
  holidays: "Holidays",
  noHolidays: "The file has no holidays of this year",
  makeups: "Worked instead",
  noMakeups: "none",
  days: (n) => (n === 1 ? "1 day" : `${n} days`),
  ownDay: "another day off",
  notice: "By the notice",
  sign: { holiday: "H", makeup: "W" },
  legend: { work: "working day", rest: "off every week", holiday: "holiday", makeup: "worked instead" },
  missing: (year) => `The calendar has no ${year}`,
  missingMeans: (year) =>
    `Limits in working time go by the plain week in ${year}, without holidays and make-up days: they run on over holidays and end too early.`,
  unconfirmed: (year) => `The holidays of ${year} were not checked against the official notice`,
  unconfirmedMeans:
    "Spring Festival, Qingming, Dragon Boat, Mid-Autumn and make-up days may be missing; limits end too early or too late.",
  todo: "What to do",
  readOnly: "This page only shows it. The calendar is a file on the hub's machine and is changed there:",
  steps: [
    "Open calendar.toml, the file that `calendar` in hub.toml names.",
    "In the [[year]] of that year (add one with its `year` where there is none), enter every day off of the State Council's notice under `holidays`, and every Saturday or Sunday that is worked under `makeup`.",
    "Write the notice's number into `notice`. The warning goes with it.",
    "Run `hub check --config hub.toml`; it names every mistake in the file.",
    "Start the hub again. Limits that run go by the new calendar from then on.",
  ],
};
