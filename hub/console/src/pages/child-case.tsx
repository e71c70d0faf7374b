/** One case of a child hub, as the child told it last: its facts, its way, and what it is asked for. */
import { useEffect } from "preact/hooks";
import {
  type ChildCaseKey,
  type ChildCaseView,
  type ChildDocument,
  followChildHubs,
  loadChildCase,
} from "../data/children";
import { now } from "../data/clock";
import { session } from "../data/session";
import type { ChildEvent } from "../data/types";
import { actionName, at, inPlace, said, t } from "../i18n";
import { asksFor, concerns, isLate, wayOf } from "../logic/children";
import { Shown, useAsked } from "../parts/asked";
import { ChildAsks, CommandLog } from "../parts/child-asks";
import { childName, stateName } from "../parts/child-parts";
import { Moment } from "../parts/clock";
import { FactList } from "../parts/gateway-parts";
import { Icon } from "../parts/icons";
import { Link } from "../parts/link";
import { Said } from "../parts/said";
import { SeverityBadge } from "../parts/severity";

function Facts({ found }: { found: ChildDocument }) {
  const words = t.value.children;
  const rows: [string, preact.ComponentChildren][] = [
    [words.category, <Said key="c">{said(found.category_name) || found.category}</Said>],
    [
      words.where,
      <Said key="w">
        {[...(found.area_path ?? []).map((each) => said(each.name)), inPlace(found.place)]
          .filter((each) => each !== "")
          .join(" › ") || found.site}
      </Said>,
    ],
    [words.unit, found.unit ? <Said key="u">{said(found.unit.name) || found.unit.code}</Said> : t.value.none],
    [words.opened, <Moment key="o" time={found.opened_at} />],
    [
      words.acknowledged,
      found.acknowledged_at ? <Moment key="a" time={found.acknowledged_at} /> : t.value.none,
    ],
    [
      words.due,
      found.due_at ? (
        <span key="d">
          <Moment time={found.due_at} />{" "}
          {isLate(found, now.value) && <span class="tag tag-warning">{t.value.flags.overdue}</span>}
        </span>
      ) : (
        t.value.none
      ),
    ],
    [words.updated, <Moment key="p" time={found.updated_at} />],
    [words.alerts, words.alertsOf(found.alert_count ?? 0, found.alerts_active ?? 0)],
  ];
  if (found.ended_at) rows.push([words.ended, <Moment key="e" time={found.ended_at} />]);
  if (found.level) rows.push([words.level, <Said key="l">{found.level}</Said>]);
  return (
    <section class="panel" aria-labelledby="child-facts">
      <h2 id="child-facts">{words.facts}</h2>
      <FactList facts={rows} class="child-facts" />
    </section>
  );
}

function Way({ found }: { found: ChildDocument }) {
  const words = t.value.children;
  return (
    <section class="panel" aria-labelledby="child-way">
      <h2 id="child-way">{words.way}</h2>
      <ol class="way">
        {wayOf(found).map((step) => (
          <li
            key={step.state}
            class={step.here ? "way-step way-here" : step.at ? "way-step way-taken" : "way-step"}
            aria-current={step.here ? "step" : undefined}
          >
            <span class="way-dot">{step.at && !step.here && <Icon name="check" />}</span>
            <span class="way-name">
              <Said>{stateName(step.state)}</Said>
            </span>
            <span class={step.at ? "way-who" : "way-who way-not"}>
              {step.at ? <Moment time={step.at} /> : step.here ? "" : words.notYet}
            </span>
          </li>
        ))}
      </ol>
      <details>
        <summary>{words.steps}</summary>
        <ol class="child-steps">
          {(found.steps ?? []).map((step) => (
            <li key={step.seq}>
              <Moment time={step.at} /> <Said>{actionName(step.action)}</Said>{" "}
              <Said class="child-soft">{stateName(step.to)}</Said>
            </li>
          ))}
        </ol>
        {found.steps_cut && <p class="form-note">{words.stepsCut}</p>}
      </details>
    </section>
  );
}

function Calls({ found }: { found: ChildDocument }) {
  const words = t.value.children;
  const calls = found.calls ?? [];
  if (calls.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="child-calls">
      <h2 id="child-calls">{words.callsTitle}</h2>
      <ul class="child-log">
        {calls.map((call) => (
          <li key={call.number}>
            <strong>
              <Said>{words.callLine(call.number, call.unit)}</Said>
            </strong>{" "}
            {call.answered_at ? (
              <span class="good">{words.callAnswered(at(call.answered_at, now.value))}</span>
            ) : (
              <span class="warning">
                {words.callWaiting}, {words.callDue(at(call.due, now.value))}
              </span>
            )}
            {call.reason && <Said class="history-reason">{call.reason}</Said>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Heading({ view }: { view: ChildCaseView }) {
  const words = t.value.children;
  const found = view.case;
  return (
    <div class={`case-head case-head-${found.severity}`}>
      <div class="case-head-top">
        <SeverityBadge severity={found.severity} />
        <span class="case-number">
          {words.number} <span class="number">{found.number}</span>
        </span>
        <Said class="case-category">{childName(view.hub)}</Said>
        {found.is_drill && <span class="drill">{words.drill}</span>}
        {found.urgent && <span class="tag tag-warning">{words.urgent}</span>}
        {(found.card === "yellow" || found.card === "red") && (
          <span class={`tag tag-card-${found.card}`}>{t.value.card[found.card]}</span>
        )}
      </div>
      <h1 class="case-title">
        <Said>{said(found.title)}</Said>
      </h1>
      <p class="case-where">
        <Said>{stateName(found.state)}</Said>
        <span>{words.receivedAt(at(view.received_at, now.value))}</span>
      </p>
    </div>
  );
}

export function ChildCasePage({ at: key }: { at: ChildCaseKey }) {
  const words = t.value.children;
  const asked = useAsked(() => loadChildCase(key));
  const { hub, epoch, id } = key;
  useEffect(() => {
    const here = (event: ChildEvent) => concerns(event, { hub, epoch, id });
    return followChildHubs(() => void asked.again(), here);
  }, [asked.again, hub, epoch, id]);
  const role = session.value.is === "signed-in" ? session.value.session.role : null;
  return (
    <main class="page" id="main">
      <Link to="/children" class="back">
        <Icon name="back" />
        {words.back}
      </Link>
      <Shown asked={asked}>
        {(view) => (
          <>
            {view.lost_at && <p class="note note-warning">{words.lost(at(view.lost_at, now.value))}</p>}
            <Heading view={view} />
            <div class="child-columns">
              <div>
                <Way found={view.case} />
                <Facts found={view.case} />
                <Calls found={view.case} />
              </div>
              <div>
                <ChildAsks
                  at={key}
                  found={view.case}
                  asks={role === null ? [] : asksFor(role, view.case, !!view.lost_at)}
                  lost={!!view.lost_at}
                  again={asked.again}
                />
                <CommandLog commands={view.commands} />
              </div>
            </div>
          </>
        )}
      </Shown>
    </main>
  );
}
