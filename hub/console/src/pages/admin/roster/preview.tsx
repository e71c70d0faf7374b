/** What a roster means before it is saved: who is at the desk in the next 14 days, and when nobody is. */
import { useComputed } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { now as hubTime } from "../../../data/clock";
import { type Roster, type RosterFacts, readRosterFacts } from "../../../data/rosters";
import { t } from "../../../i18n";
import { restDays } from "../../../logic/calendar";
import {
  clockOf,
  DAY_MINUTES,
  DAY_MS,
  type DayPart,
  dateOf,
  daysOf,
  type Gap,
  gapsOf,
  instantOf,
  type Local,
  localDay,
  type OnDuty,
  periods,
  type RosterDay,
} from "../../../logic/roster";
import { offsetInWords } from "../../../logic/time";
import { Shown, useAsked } from "../../../parts/asked";
import { Said } from "../../../parts/said";
import { useShortNames } from "./people";

/** As far as the hub looks for gaps. */
const DAYS = 14;
const MINUTE_MS = 60_000;

/** `12-01 08:00` in the hub's local time. */
function Moment({ at, offset }: { at: number; offset: number }) {
  const day = localDay(at, offset);
  const minute = Math.floor((at - instantOf(day, 0, offset)) / MINUTE_MS);
  return (
    <time dateTime={new Date(at).toISOString()}>
      {dateOf(day).slice(5)} {clockOf(minute)}
    </time>
  );
}

function Gaps({ gaps, offset }: { gaps: readonly Gap[]; offset: number }) {
  const words = t.value.admin.roster;
  return (
    <div class={gaps.length === 0 ? "note" : "note note-warning"} role="status">
      <p>{gaps.length === 0 ? words.noGaps : words.gapCount(gaps.length)}</p>
      {gaps.length > 0 && (
        <ul class="roster-gaps">
          {gaps.map((gap) => (
            <li key={gap.from}>
              <Moment at={gap.from} offset={offset} /> – <Moment at={gap.until} offset={offset} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** The day as a bar, for the eye alone: the words beside it say the same. */
function Bar({ parts }: { parts: readonly DayPart[] }) {
  return (
    <svg class="roster-bar" viewBox={`0 0 ${DAY_MINUTES} 24`} preserveAspectRatio="none" aria-hidden="true">
      {parts.map(({ from, until, period }) => (
        <rect
          key={from}
          class={period.officers.length > 0 ? "roster-bar-manned" : "roster-bar-gap"}
          x={from}
          y={0}
          width={Math.max(0, until - from - 6)}
          height={24}
        />
      ))}
    </svg>
  );
}

function Part({ part }: { part: DayPart }) {
  const words = t.value.admin.roster;
  const called = useShortNames();
  const { officers, shiftLeader, shift } = part.period;
  const name = ({ username, insteadOf }: OnDuty) =>
    insteadOf === null ? called(username) : words.inPlace(called(username), called(insteadOf));
  return (
    <li class={officers.length > 0 ? undefined : "roster-part-gap"}>
      <span class="number">
        {clockOf(part.from)}–{clockOf(part.until)}
      </span>{" "}
      {shift !== null && <Said class="roster-part-shift">{shift.name}</Said>}{" "}
      {officers.length > 0 ? (
        <Said>{officers.map(name).join(t.value.joiner)}</Said>
      ) : (
        <strong>{words.nobodyThere}</strong>
      )}
      {shiftLeader !== null && (
        <>
          {" "}
          <span class="tag">
            {words.leader} <Said>{name(shiftLeader)}</Said>
          </span>
        </>
      )}
    </li>
  );
}

function Day({ day }: { day: RosterDay }) {
  return (
    <tr>
      <th scope="row">
        <span class="number">{day.date.slice(5)}</span> {t.value.admin.silence.day[day.weekday]}{" "}
        {day.off && <span class="tag">{t.value.admin.roster.off}</span>}
      </th>
      <td>
        <Bar parts={day.parts} />
        <ul>
          {day.parts.map((part) => (
            <Part key={part.from} part={part} />
          ))}
        </ul>
      </td>
    </tr>
  );
}

interface PreviewGiven {
  roster: Roster;
  /** Sign-in names that nobody can sign in with. */
  gone: ReadonlySet<string>;
}

function Days({ roster, gone, facts }: PreviewGiven & { facts: RosterFacts }) {
  const words = t.value.admin.roster;
  const minute = useComputed(() => Math.floor(hubTime.value / MINUTE_MS) * MINUTE_MS).value;
  const { offsetMinutes } = facts;
  const { days, gaps } = useMemo(() => {
    const local: Local = { offsetMinutes, isOff: restDays(facts.years), gone };
    const all = periods(roster, local, minute, minute + DAYS * DAY_MS);
    return { days: daysOf(all, local), gaps: gapsOf(all) };
  }, [roster, gone, facts, offsetMinutes, minute]);
  const offset = offsetInWords(offsetMinutes);
  return (
    <>
      <Gaps gaps={gaps} offset={offsetMinutes} />
      {facts.years
        .filter((year) => !year.known)
        .map(({ year }) => (
          <p key={year} class="note note-warning">
            {words.unknownYear(year)}
          </p>
        ))}
      <table class="table roster-days">
        <caption class="panel-hint">{words.previewHint(offset)}</caption>
        <colgroup>
          <col class="roster-days-date" />
          <col />
        </colgroup>
        <thead class="visually-hidden">
          <tr>
            <th scope="col">{words.date}</th>
            <th scope="col">{words.whoWhen}</th>
          </tr>
        </thead>
        <tbody>
          {days.map((day) => (
            <Day key={day.date} day={day} />
          ))}
        </tbody>
      </table>
    </>
  );
}

export function Preview({ roster, gone }: PreviewGiven) {
  const asked = useAsked(() => readRosterFacts(hubTime.peek(), DAYS));
  return (
    <section class="roster-preview">
      <h4>{t.value.admin.roster.preview}</h4>
      <Shown asked={asked}>{(facts) => <Days roster={roster} gone={gone} facts={facts} />}</Shown>
    </section>
  );
}
