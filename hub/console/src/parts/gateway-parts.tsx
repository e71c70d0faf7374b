/** What is said about a gateway on the list and on its own page. */
import type { ComponentChildren } from "preact";
import type { GatewayStatus } from "../data/types";
import { said, t } from "../i18n";
import { Ago } from "./clock";
import { Said } from "./said";

interface FactsGiven {
  facts: readonly (readonly [string, ComponentChildren])[];
  class?: string;
}

/** Names with what is known of them, side by side as the window lets them. */
export function FactList({ facts, class: name }: FactsGiven) {
  return (
    <dl class={name === undefined ? "gateway-facts" : `gateway-facts ${name}`}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function GatewayState({ gateway }: { gateway: GatewayStatus }) {
  return (
    <span class={`status status-${gateway.state}`}>
      <span class="status-dot" aria-hidden="true" />
      {t.value.devices.state[gateway.state]}
      {gateway.revoked && <span class="tag tag-warning">{t.value.devices.revoked}</span>}
    </span>
  );
}

/** Ranges such as `4–7, 12`, at most the first few. */
const RANGES_MAX = 5;

export function rangesInWords(missing: readonly (readonly [number, number])[]): string {
  const shown = missing
    .slice(0, RANGES_MAX)
    .map(([from, to]) => (from === to ? String(from) : `${from}–${to}`));
  if (missing.length > RANGES_MAX) shown.push("…");
  return shown.join(t.value.joiner);
}

/** The proof that nothing is missing, or what is. */
export function Proof({ gateway }: { gateway: GatewayStatus }) {
  const words = t.value.devices;
  const { contiguous_through: through, highest, missing } = gateway.sequence;
  if (missing.length > 0) {
    return (
      <span class="proof proof-missing">
        <strong>{words.proofMissing(rangesInWords(missing))}</strong>
        <span>{words.proofThrough(through)}</span>
      </span>
    );
  }
  if (highest === 0) return <span class="proof">{words.proofNone}</span>;
  if (highest > through) return <span class="proof proof-behind">{words.proofBehind(through, highest)}</span>;
  return <span class="proof proof-whole">{words.proofWhole(through)}</span>;
}

export function Backlog({ gateway }: { gateway: GatewayStatus }) {
  const some = gateway.backlog_alerts > 0;
  return (
    <span class={some ? "backlog backlog-some" : "backlog"}>
      {t.value.devices.backlogOf(gateway.backlog_alerts, gateway.backlog_readings)}
    </span>
  );
}

export function Heartbeat({ gateway }: { gateway: GatewayStatus }) {
  return gateway.last_heartbeat_at ? <Ago since={gateway.last_heartbeat_at} /> : <>–</>;
}

export function DeviceCounts({ gateway }: { gateway: GatewayStatus }) {
  const words = t.value.devices;
  return (
    <span class="device-counts">
      <span>{words.devicesCount(gateway.devices_total)}</span>
      {gateway.devices_silent > 0 && (
        <span class="tag tag-warning">{words.silentCount(gateway.devices_silent)}</span>
      )}
      {gateway.devices_unknown > 0 && <span class="tag">{words.unknownCount(gateway.devices_unknown)}</span>}
    </span>
  );
}

export function Faults({ gateway }: { gateway: GatewayStatus }) {
  const words = t.value.devices;
  if (gateway.faults.length === 0) return <p class="good">{words.noFaults}</p>;
  return (
    <ul class="faults">
      {gateway.faults.map((fault) => (
        <li key={`${fault.code}|${fault.subject ?? ""}`}>
          <strong>
            <Said>{said(fault.detail) || fault.code}</Said>
          </strong>
          <span class="fault-note">
            <Said class="number">{fault.subject ? `${fault.code} · ${fault.subject}` : fault.code}</Said>{" "}
            {words.since} <Ago since={fault.since} />
          </span>
        </li>
      ))}
    </ul>
  );
}
