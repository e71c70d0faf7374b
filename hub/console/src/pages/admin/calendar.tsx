/**
 * The working calendar: a year as twelve months, with what is off, worked instead, and since when the file was not
 * looked after. It is a versioned file of the hub: the page shows it, and says how it is changed.
 */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { type CalendarYear, readCalendar, readCalendarWarnings } from "../../data/admin";
import { now as hubTime } from "../../data/clock";
import { session } from "../../data/session";
import type { Schemas } from "../../data/types";
import { said, t } from "../../i18n";
import {
  type CalendarDay,
  type CalendarFault,
  type CalendarMonth,
  countsOf,
  type DayKind,
  faultOf,
  faultsBeside,
  makeupsOf,
  monthsOf,
  sameHours,
  stretchesOf,
  weeksOf,
} from "../../logic/calendar";
import { dayNumber, WEEKDAYS, weekdayOf } from "../../logic/roster";
import { Shown, useAsked } from "../../parts/asked";
import { Said } from "../../parts/said";

/** The years that the hub answers for. */
const YEARS = { first: 1970, last: 9998 } as const;
const KINDS: readonly DayKind[] = ["work", "rest", "holiday", "makeup"];

type Warning = Schemas["Warning"];

/** A day's number with the sign of what is not usual about it. */
function DayFace({ day, kind }: { day: number; kind: DayKind }) {
  const sign = t.value.admin.calendar.sign;
  return (
    <>
      {day}
      {(kind === "holiday" || kind === "makeup") && <span class="day-sign">{sign[kind]}</span>}
    </>
  );
}

function DayCell({ of, today }: { of: CalendarDay | null; today: string }) {
  if (of === null) return <td />;
  return (
    <td class={`day day-${of.kind}`} aria-current={of.date === today ? "date" : undefined}>
      <DayFace day={of.day} kind={of.kind} />
    </td>
  );
}

function Month({ month, today }: { month: CalendarMonth; today: string }) {
  const words = t.value.admin.calendar;
  return (
    <table class="calendar-month">
      <caption>{words.month(month.month)}</caption>
      <thead>
        <tr>
          {words.dayShort.map((day, index) => (
            <th key={day} scope="col" abbr={words.weekday[index]}>
              {day}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {weeksOf(month).map((week, index) => (
          <tr key={index}>
            {week.map((day, at) => (
              <DayCell key={at} of={day} today={today} />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What is wrong, what follows from it; an unknown code in the hub's own words. */
function Fault({ of }: { of: CalendarFault | Warning }) {
  const words = t.value.admin.calendar;
  const missing = of.code === "calendar_year_missing";
  if (!missing && of.code !== "calendar_year_unconfirmed")
    return <p class="note note-warning">{"detail" in of && <Said>{said(of.detail)}</Said>}</p>;
  return (
    <div class="note note-warning calendar-fault">
      <p>
        <strong>{missing ? words.missing(of.year) : words.unconfirmed(of.year)}</strong>
      </p>
      <p>{missing ? words.missingMeans(of.year) : words.unconfirmedMeans}</p>
    </div>
  );
}

/** How the file is changed: stands open where there is a reason to. */
function HowTo({ open }: { open: boolean }) {
  const words = t.value.admin.calendar;
  return (
    <details class="calendar-how" open={open}>
      <summary>{words.todo}</summary>
      <p>{words.readOnly}</p>
      <ol>
        {words.steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
    </details>
  );
}

const weekdayName = (date: string) =>
  t.value.admin.calendar.weekday[WEEKDAYS.indexOf(weekdayOf(dayNumber(date)))] ?? "";

function Facts({ view }: { view: CalendarYear }) {
  const words = t.value.admin.calendar;
  const stretches = stretchesOf(view);
  const makeups = makeupsOf(view.days);
  const week = sameHours(view.week).map(({ from, until, hours }) => {
    const [first = "", last = ""] = [words.weekday[from], words.weekday[until]];
    const days = from === until ? first : words.through(first, last);
    return `${days} ${hours.join(t.value.joiner) || words.off}`;
  });
  const fact = (name: string, what: ComponentChildren) => (
    <div>
      <dt>{name}</dt>
      <dd>{what}</dd>
    </div>
  );
  return (
    <dl class="calendar-facts">
      {fact(
        words.hours,
        <ul>
          {week.map((each) => (
            <li key={each}>{each}</li>
          ))}
        </ul>,
      )}
      {fact(
        words.holidays,
        stretches.length === 0 ? (
          words.noHolidays
        ) : (
          <ul>
            {stretches.map(({ from, until, names }) => (
              <li key={from}>
                <span class="number">
                  {from.slice(5)}
                  {from === until ? "" : ` – ${until.slice(5)}`}
                </span>{" "}
                <Said>{names.join(t.value.joiner) || words.ownDay}</Said> ·{" "}
                {words.days(dayNumber(until) - dayNumber(from) + 1)}
              </li>
            ))}
          </ul>
        ),
      )}
      {fact(
        words.makeups,
        makeups.length === 0 ? (
          words.noMakeups
        ) : (
          <ul>
            {makeups.map(([date, hours]) => (
              <li key={date}>
                <span class="number">{date.slice(5)}</span> {weekdayName(date)} {hours.join(t.value.joiner)}
              </li>
            ))}
          </ul>
        ),
      )}
      {view.notice !== "" && fact(words.notice, <Said>{view.notice}</Said>)}
    </dl>
  );
}

function Legend() {
  const words = t.value.admin.calendar;
  return (
    <ul class="calendar-legend">
      {KINDS.map((kind) => (
        <li key={kind}>
          <span class={`day day-${kind}`} aria-hidden="true">
            <DayFace day={1} kind={kind} />
          </span>{" "}
          {words.legend[kind]}
        </li>
      ))}
    </ul>
  );
}

function Year({ view, warnings }: { view: CalendarYear; warnings: readonly Warning[] }) {
  const words = t.value.admin.calendar;
  const months = monthsOf(view);
  const { work, off } = countsOf(months);
  const faults = faultsBeside(faultOf(view), warnings);
  const here = new Date(hubTime.value);
  const two = (n: number) => String(n).padStart(2, "0");
  const today = `${here.getFullYear()}-${two(here.getMonth() + 1)}-${two(here.getDate())}`;
  return (
    <>
      {faults.map((each) => (
        <Fault key={`${each.code} ${each.year}`} of={each} />
      ))}
      <HowTo open={faults.length > 0} />
      <p>
        {words.counts(work, off)} · <span class="panel-hint">{words.version(view.version)}</span>
      </p>
      <Facts view={view} />
      <Legend />
      <div class="calendar-months">
        {months.map((month) => (
          <Month key={month.month} month={month} today={today} />
        ))}
      </div>
    </>
  );
}

export function CalendarSection() {
  const words = t.value.admin.calendar;
  const present = () => new Date(hubTime.peek()).getFullYear();
  const year = useSignal(present());
  const calendar = useAsked(() => readCalendar(year.value), year.value);
  const role = session.value.is === "signed-in" ? session.value.session.role : "";
  // The hub warns administrators alone; everybody sees what is wrong with the year that they look at.
  const warnings = useAsked(
    async () => (role === "administrator" ? (await readCalendarWarnings()).items : []),
    role,
  );
  const to = (wanted: number) => {
    if (Number.isInteger(wanted) && wanted >= YEARS.first && wanted <= YEARS.last) year.value = wanted;
  };
  return (
    <section>
      <div class="admin-tools">
        <button
          type="button"
          class="button"
          disabled={year.value <= YEARS.first}
          onClick={() => to(year.value - 1)}
        >
          <span aria-hidden="true">‹</span> {words.before}
        </button>
        <label class="admin-year">
          {words.year}
          <input
            type="number"
            min={YEARS.first}
            max={YEARS.last}
            value={year.value}
            onChange={(event) => {
              to(Number(event.currentTarget.value));
              // What is no year is not kept in the field either.
              event.currentTarget.value = String(year.value);
            }}
          />
        </label>
        <button
          type="button"
          class="button"
          disabled={year.value >= YEARS.last}
          onClick={() => to(year.value + 1)}
        >
          {words.after} <span aria-hidden="true">›</span>
        </button>
        <button
          type="button"
          class="button"
          aria-disabled={year.value === present()}
          onClick={() => to(present())}
        >
          {words.thisYear}
        </button>
      </div>
      <Shown asked={calendar}>
        {(view) => (
          <>
            <h3 class="calendar-year" aria-live="polite">
              {words.ofYear(view.year)}
            </h3>
            <Year view={view} warnings={warnings.value.value ?? []} />
          </>
        )}
      </Shown>
    </section>
  );
}
