/**
 * What a supervisor looks after: what waits for a decision, cards and overdue cases, and how units and
 * areas do, with the days as lines and everything as a file.
 */
import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { loadCase, openCases } from "../data/cases";
import { now } from "../data/clock";
import {
  asked,
  askedState,
  csvAddress,
  type Days,
  followAsked,
  type Grouping,
  loadAsked,
  loadDays,
  loadRates,
  type Report,
  type ReportRow,
} from "../data/supervision";
import type { Case, CaseSummary } from "../data/types";
import { pending, perform } from "../duty/actions";
import { headline, inPlace, problemInWords, said, span, t } from "../i18n";
import { parameters, setParameters } from "../logic/route";
import { lastDays, lastMonth, overdue, thisMonth, withCards } from "../logic/supervision";
import { ActionForm } from "../parts/action-form";
import { Failure, useAsked } from "../parts/asked";
import { CaseNotice } from "../parts/case-parts";
import { Moment } from "../parts/clock";
import { Link } from "../parts/link";
import { Said } from "../parts/said";
import { SeverityBadge } from "../parts/severity";
import { percent, Trend } from "../parts/trend";
import { useVirtual } from "../parts/virtual";

/** One thing to decide, with the form of the hub for it where this person may. */
function Ask({ found }: { found: CaseSummary }) {
  const words = t.value.supervision;
  const open = useSignal(false);
  const read = useAsked(() => loadCase(found.id), found.version);
  const last = useSignal<Case | null>(null);
  if (read.value.value !== null && read.value.value !== last.peek()) last.value = read.value.value;
  const asks = found.waits_for;
  if (!asks) return null;
  const whole = last.value;
  const name = asks.what === "appeal" ? "review" : "decide";
  const allowed = whole?.allowed_actions.find((each) => each.action === name);
  const blocked = said(allowed?.blocked);
  const reason = whole?.transitions.filter((each) => each.actor === asks.by && each.reason).at(-1)?.reason;
  return (
    <li class="ask" data-case={found.id}>
      <div class="ask-top">
        <strong>{words.what[asks.what]}</strong>
        <Link to={`/cases/${found.id}`}>
          <Said>{headline(found)}</Said>
        </Link>
        <span class="number">{found.number}</span>
      </div>
      <p class="ask-facts">
        <Said>{said(found.unit?.name) || asks.by}</Said> <Moment time={asks.at} />
      </p>
      {reason && <Said class="history-reason">{reason}</Said>}
      <CaseNotice id={found.id} />
      <Failure error={read.error.value} again={read.again} />
      {allowed !== undefined && (
        <button
          type="button"
          class="button"
          disabled={blocked !== "" || pending.value.has(found.id)}
          aria-expanded={open.value}
          onClick={() => {
            open.value = !open.value;
          }}
        >
          {words.decide}
        </button>
      )}
      {blocked && <p class="blocked">{blocked}</p>}
      {whole !== null && allowed === undefined && <p class="blocked">{words.notYours}</p>}
      {open.value && whole !== null && allowed !== undefined && (
        <ActionForm
          action={allowed}
          send={(details, why) => {
            void perform(whole, allowed.action, why, details).then((outcome) => {
              if (outcome?.is === "done") open.value = false;
            });
          }}
          cancel={() => {
            open.value = false;
          }}
        />
      )}
    </li>
  );
}

/** Each that is shown is read in full for its reason and its form; those beyond come as these are decided. */
const ASKS_SHOWN = 30;

function Asks() {
  const words = t.value.supervision;
  const state = askedState.value;
  const since = (found: CaseSummary) => found.waits_for?.at ?? "";
  const all = [...asked.value.values()].sort((a, b) => (since(a) < since(b) ? -1 : 1));
  const more = all.length - ASKS_SHOWN;
  const atLeast = state.is === "loaded" && state.more;
  return (
    <section class="panel" aria-labelledby="asks-heading">
      <h2 id="asks-heading">
        {words.asks}{" "}
        {all.length > 0 && <span class="count-plain">{`${all.length}${atLeast ? "+" : ""}`}</span>}
      </h2>
      {state.is === "loading" && all.length === 0 && <p class="empty">{t.value.loading}</p>}
      {state.is === "failed" && <Failure error={state.error} again={loadAsked} />}
      {state.is === "loaded" && all.length === 0 && <p class="empty">{words.noAsks}</p>}
      <ul class="asks">
        {all.slice(0, ASKS_SHOWN).map((each) => (
          <Ask key={each.id} found={each} />
        ))}
      </ul>
      {more > 0 && <p class="form-note">{words.asksMore(more)}</p>}
    </section>
  );
}

/** A row's height, in pixels. */
const ROW_PX = 52;

function CaseTable({ cases, label }: { cases: CaseSummary[]; label: string }) {
  const words = t.value.supervision;
  const view = useVirtual<HTMLTableElement>(cases.length, ROW_PX, true);
  return (
    <table class="table watch" ref={view.list} aria-label={label}>
      <thead>
        <tr>
          <th scope="col">{t.value.board.columns.severity}</th>
          <th scope="col">{t.value.board.columns.what}</th>
          <th scope="col">{t.value.flags.unit}</th>
          <th scope="col">{words.over}</th>
        </tr>
      </thead>
      <tbody>
        {view.before}
        {cases.slice(view.from, view.to).map((found) => {
          const late = found.due_at ? now.value - Date.parse(found.due_at) : 0;
          return (
            <tr key={found.id} data-case={found.id}>
              <td>
                <SeverityBadge severity={found.severity} />
              </td>
              <td>
                <Link to={`/cases/${found.id}`}>
                  <Said>{headline(found)}</Said>
                </Link>{" "}
                <Said>{said(found.site.name)}</Said> <Said>{inPlace(found.place)}</Said>
              </td>
              <td>
                <Said>{said(found.unit?.name) || t.value.none}</Said>
              </td>
              <td>
                {found.card && found.card !== "none" && (
                  <span class={`tag tag-card-${found.card}`}>{t.value.card[found.card]}</span>
                )}{" "}
                {late > 0 && span(late)}
              </td>
            </tr>
          );
        })}
        {view.after}
      </tbody>
    </table>
  );
}

function Watched({
  cases,
  heading,
  none,
  id,
}: {
  cases: CaseSummary[];
  heading: string;
  none: string;
  id: string;
}) {
  return (
    <section class="panel" aria-labelledby={id}>
      <h2 id={id}>
        {heading} {cases.length > 0 && <span class="count-plain">{cases.length}</span>}
      </h2>
      {cases.length === 0 ? <p class="empty">{none}</p> : <CaseTable cases={cases} label={heading} />}
    </section>
  );
}

const PERIODS = {
  month: thisMonth,
  last: lastMonth,
  fortnight: (nowMs: number) => lastDays(14, nowMs),
} as const;
type PeriodName = keyof typeof PERIODS;

const periodNow = (): PeriodName => {
  const found = parameters.value.get("period") ?? "";
  return Object.hasOwn(PERIODS, found) ? (found as PeriodName) : "month";
};
const groupingNow = (): Grouping => (parameters.value.get("by") === "areas" ? "areas" : "units");

function RateRow({ row, total }: { row: ReportRow; total?: boolean }) {
  const { counts, rates } = row;
  return (
    <tr class={total ? "rates-total" : undefined}>
      <th scope="row">
        <Said>{said(row.name) || row.key}</Said>
      </th>
      <td>{counts.reported}</td>
      <td>{counts.filed}</td>
      <td>{counts.closed}</td>
      <td>{percent(rates.handled_in_time)}</td>
      <td>{percent(rates.closed_in_time)}</td>
      <td>{percent(rates.rework)}</td>
      <td>{counts.yellow_cards}</td>
      <td>{counts.red_cards}</td>
      <td>{counts.score}</td>
    </tr>
  );
}

function RateTable({ report }: { report: Report }) {
  const words = t.value.supervision;
  const view = useVirtual<HTMLTableElement>(report.items.length, ROW_PX, true);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: on a narrow screen it scrolls, by keyboard too
    <section class="wide-table" tabIndex={0} aria-label={words.by[groupingNow()]}>
      <table class="table rates" ref={view.list}>
        <thead>
          <tr>
            {words.columns.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {view.before}
          {report.items.slice(view.from, view.to).map((row) => (
            <RateRow key={row.key} row={row} />
          ))}
          {view.after}
          <RateRow
            row={{
              ...report.total,
              key: "total",
              name: { zh: t.value.supervision.total, en: t.value.supervision.total },
            }}
            total
          />
        </tbody>
      </table>
    </section>
  );
}

type Loaded<T> = { is: "loading" } | { is: "failed"; error: unknown } | { is: "loaded"; value: T };

/** Loads for these days, and forgets an answer that is overtaken. */
function useReport(load: (days: Days) => Promise<Report>, key: string, days: Days) {
  const state = useSignal<Loaded<Report>>({ is: "loading" });
  useEffect(() => {
    let current = true;
    load(days).then(
      (value) => {
        if (current) state.value = { is: "loaded", value };
      },
      (error) => {
        if (current) state.value = { is: "failed", error };
      },
    );
    return () => {
      current = false;
    };
  }, [key, days.from, days.to, state]);
  return state.value;
}

function Failed({ error }: { error: unknown }) {
  return (
    <p class="note note-bad" role="alert">
      {t.value.supervision.failed}
      {problemInWords(error)}
    </p>
  );
}

function Rates() {
  const words = t.value.supervision;
  const period = periodNow();
  const by = groupingNow();
  // The period changes with the day, not with every second of the clock.
  const today = useComputed(() => new Date(now.value).toDateString());
  today.value;
  const days = PERIODS[period](now.peek());
  const rates = useReport((given) => loadRates(by, given), by, days);
  const trend = useReport(loadDays, "days", days);
  const choice = (name: string, value: string, chosen: boolean, text: string) => (
    <button
      type="button"
      key={value}
      class="chip"
      aria-pressed={chosen}
      onClick={() => setParameters({ [name]: value })}
    >
      {text}
    </button>
  );
  return (
    <section class="panel" aria-labelledby="rates-heading">
      <div class="rates-head">
        <h2 id="rates-heading">{words.rates}</h2>
        <span class="number">{words.period(days.from, days.to)}</span>
      </div>
      <div class="rates-tools">
        <fieldset class="filter">
          <legend class="visually-hidden">{words.groupBy}</legend>
          {(["units", "areas"] as const).map((each) => choice("by", each, by === each, words.by[each]))}
        </fieldset>
        <fieldset class="filter">
          <legend class="visually-hidden">{words.periodOf}</legend>
          {(Object.keys(PERIODS) as PeriodName[]).map((each) =>
            choice("period", each, period === each, words.periods[each]),
          )}
        </fieldset>
        <a class="button" href={csvAddress(by, days)} download>
          {words.csv}
        </a>
      </div>
      {trend.is === "failed" && <Failed error={trend.error} />}
      {trend.is === "loaded" && <Trend rows={trend.value.items} />}
      {rates.is === "failed" && <Failed error={rates.error} />}
      {rates.is === "loading" && <p class="empty">{t.value.loading}</p>}
      {rates.is === "loaded" && <RateTable report={rates.value} />}
    </section>
  );
}

export function SupervisionPage() {
  const words = t.value.supervision;
  useEffect(() => followAsked(), []);
  const cards = useComputed(() => withCards(openCases.value.values()));
  const late = useComputed(() => overdue(openCases.value.values(), now.value));
  return (
    <main class="page supervision" id="main">
      <h1>{words.title}</h1>
      <div class="supervision-columns">
        <div>
          <Asks />
        </div>
        <div>
          <Watched cases={cards.value} heading={words.cards} none={words.noCards} id="cards-heading" />
          <Watched cases={late.value} heading={words.overdue} none={words.noOverdue} id="overdue-heading" />
        </div>
      </div>
      <Rates />
    </main>
  );
}
