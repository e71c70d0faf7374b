/** What is said about a child hub and about the states of its cases. */
import { type Child, childHubs } from "../data/children";
import { now } from "../data/clock";
import { SEVERITIES } from "../data/types";
import { at, span, t } from "../i18n";
import { behind, clockIsOff } from "../logic/children";
import { Ago, Moment } from "./clock";
import { FactList } from "./gateway-parts";
import { Said } from "./said";
import { SeverityShape } from "./severity";

/** The name of a child hub; its id where it is not in the list, as for people of a unit. */
export const childName = (id: string) => childHubs.value?.find((each) => each.id === id)?.name || id;

/** The name of a state; one that this console does not know is shown by its code. */
export function stateName(code: string): string {
  const words: Record<string, string> = t.value.state;
  return (Object.hasOwn(words, code) && words[code]) || code;
}

/** The marks of a state are those of gateways: a hub that is silent looks as bad as a gateway that is. */
const MARK = {
  online: "online",
  silent: "silent",
  never_heard: "never_seen",
  revoked: "never_seen",
} as const;

function Told({ child }: { child: Child }) {
  const words = t.value.children;
  const missing = behind(child);
  const epoch = child.newest && child.newest.epoch > 1 ? ` · ${words.epoch(child.newest.epoch)}` : "";
  if (!child.newest) return <span class="proof">{words.toldNone}</span>;
  if (missing === null) return <span class="proof proof-behind">{words.toldAnew + epoch}</span>;
  return missing === 0 ? (
    <span class="proof proof-whole">{words.toldAll(child.newest.sequence) + epoch}</span>
  ) : (
    <span class="proof proof-behind">{words.toldBehind(missing) + epoch}</span>
  );
}

function Needs({ child }: { child: Child }) {
  const words = t.value.children;
  const counts = [
    child.red_cards > 0 && words.red(child.red_cards),
    child.yellow_cards > 0 && words.yellow(child.yellow_cards),
    child.late > 0 && words.late(child.late),
    child.calls_waiting > 0 && words.calls(child.calls_waiting),
  ].filter((each) => each !== false);
  if (counts.length === 0) return <>{words.nothing}</>;
  return (
    <span class="child-tags">
      {counts.map((each) => (
        <span key={each} class="tag tag-warning">
          {each}
        </span>
      ))}
    </span>
  );
}

function OpenCounts({ child }: { child: Child }) {
  return (
    <span class="child-counts">
      {SEVERITIES.map((severity) => (
        <span key={severity} class={child.open[severity] === 0 ? "child-zero" : undefined}>
          <SeverityShape severity={severity} />
          <span class="visually-hidden">{t.value.severity[severity]} </span>
          {child.open[severity]}
        </span>
      ))}
    </span>
  );
}

function HeartbeatLine({ child }: { child: Child }) {
  return child.last_heartbeat_at ? <Ago since={child.last_heartbeat_at} /> : <>–</>;
}

function ClockLine({ child }: { child: Child }) {
  const words = t.value.children;
  const ahead = child.clock_ahead_ms;
  if (typeof ahead !== "number") return <>–</>;
  if (!clockIsOff(child)) return <>{words.clockRight}</>;
  return (
    <span class="warning">{(ahead > 0 ? words.clockAhead : words.clockBehind)(span(Math.abs(ahead)))}</span>
  );
}

/** The hub's own sentence is in English; what it means and what to do about it is said before it. */
function AuditWarning({ child }: { child: Child }) {
  const words = t.value.children;
  if (!child.audit_problem) return null;
  return (
    <div class="note note-bad child-audit" role="alert">
      <strong>{words.auditProblem}</strong>
      <span>{words.auditRemedy(child.id)}</span>
      <span class="child-soft">
        {words.auditSaid}
        <Said>{child.audit_problem}</Said>
      </span>
    </div>
  );
}

function Head({ child: { head } }: { child: Child }) {
  const words = t.value.children;
  if (!head) return <>{words.auditNone}</>;
  return (
    <span class="proof">
      <span>
        <Moment time={head.at} /> {head.restored && <span class="tag">{words.auditRestored}</span>}
      </span>
      <span class="child-soft">{words.auditHead(head.audit.links, head.transitions.links)}</span>
    </span>
  );
}

export function ChildCard({ child, area }: { child: Child; area: string }) {
  const words = t.value.children;
  const facts = [
    [words.open, <OpenCounts key="open" child={child} />],
    [words.needs, <Needs key="needs" child={child} />],
    [words.heartbeat, <HeartbeatLine key="heartbeat" child={child} />],
    [words.told, <Told key="told" child={child} />],
    [words.audit, <Head key="head" child={child} />],
    [words.clock, <ClockLine key="clock" child={child} />],
    [words.version, <Said key="version">{child.version ?? "–"}</Said>],
  ] as const;
  return (
    <li class={`gateway gateway-${MARK[child.state]}`} data-child={child.id}>
      <div class="gateway-name">
        <span class={`status status-${MARK[child.state]}`}>
          <span class="status-dot" aria-hidden="true" />
          {words.state[child.state]}
        </span>
        <h2>
          <Said>{child.name || child.id}</Said>
        </h2>
        <Said class="number">{child.id}</Said>
        <Said class="child-soft">{area || child.area}</Said>
        {child.state === "silent" && child.last_heartbeat_at && (
          <span class="warning">{words.silentSince(at(child.last_heartbeat_at, now.value))}</span>
        )}
        {child.state === "never_heard" && <span class="child-soft">{words.neverHeard}</span>}
        {child.state === "revoked" && <span class="child-soft">{words.revokedHint}</span>}
      </div>
      <FactList facts={facts} />
      <AuditWarning child={child} />
    </li>
  );
}
