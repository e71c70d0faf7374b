/** All gateways with their state, what they still hold back, and the proof that nothing is missing. */

import { useEffect } from "preact/hooks";
import { gateways, gatewaysError, loadGateways } from "../data/gateways";
import { sites } from "../data/sites";
import type { GatewayStatus } from "../data/types";
import { problemInWords, said, t } from "../i18n";
import { part } from "../logic/part";
import { Backlog, DeviceCounts, GatewayState, Heartbeat, Proof } from "../parts/gateway-parts";
import { Link } from "../parts/link";
import { Said } from "../parts/said";

/** Those that need someone come first. */
function worstFirst(a: GatewayStatus, b: GatewayStatus): number {
  const rank = (gateway: GatewayStatus) =>
    ({ silent: 0, online: 2, never_seen: 3 })[gateway.state] -
    (gateway.sequence.missing.length > 0 || gateway.faults.length > 0 ? 1 : 0);
  return rank(a) - rank(b) || a.id.localeCompare(b.id);
}

export function siteName(id: string): string {
  return said(sites.value.get(id)?.name) || id;
}

function GatewayCard({ gateway }: { gateway: GatewayStatus }) {
  const words = t.value.devices;
  return (
    <li class={`gateway gateway-${gateway.state}`}>
      <div class="gateway-name">
        <GatewayState gateway={gateway} />
        <h2>
          <Link to={`/devices/${part(gateway.id)}`}>
            <Said>{siteName(gateway.site)}</Said>
          </Link>
        </h2>
        <Said class="number">{gateway.id}</Said>
      </div>
      <dl class="gateway-facts">
        <div>
          <dt>{words.proof}</dt>
          <dd>
            <Proof gateway={gateway} />
          </dd>
        </div>
        <div>
          <dt>{words.lastHeartbeat}</dt>
          <dd>
            <Heartbeat gateway={gateway} />
          </dd>
        </div>
        <div>
          <dt>{words.backlog}</dt>
          <dd>
            <Backlog gateway={gateway} />
          </dd>
        </div>
        <div>
          <dt>{words.devices}</dt>
          <dd>
            <DeviceCounts gateway={gateway} />
          </dd>
        </div>
        <div>
          <dt>{words.version}</dt>
          <dd>
            <Said class="number">{gateway.agent_version ?? "–"}</Said>
          </dd>
        </div>
        <div>
          <dt>{words.clock}</dt>
          <dd class={gateway.clock === "unsure" ? "warning" : undefined}>
            {words.clockQuality[gateway.clock]}
          </dd>
        </div>
        <div>
          <dt>{words.faults}</dt>
          <dd class={gateway.faults.length > 0 ? "warning" : undefined}>
            {gateway.faults.length > 0 ? words.faultCount(gateway.faults.length) : t.value.none}
          </dd>
        </div>
      </dl>
    </li>
  );
}

export function Devices() {
  useEffect(() => void loadGateways(), []);
  const words = t.value.devices;
  const all = gateways.value === null ? null : [...gateways.value.values()].sort(worstFirst);
  return (
    <main class="page" id="main">
      <h1>{words.title}</h1>
      {gatewaysError.value !== null && (
        <div class="note note-bad" role="alert">
          {words.failed}
          {problemInWords(gatewaysError.value)}
          <button type="button" class="button button-small" onClick={() => void loadGateways()}>
            {t.value.again}
          </button>
        </div>
      )}
      {all === null && gatewaysError.value === null && <p class="note">{t.value.loading}</p>}
      {all?.length === 0 && <p class="list-empty">{words.empty}</p>}
      {all !== null && all.length > 0 && (
        <ul class="gateways">
          {all.map((gateway) => (
            <GatewayCard key={gateway.id} gateway={gateway} />
          ))}
        </ul>
      )}
    </main>
  );
}
