/** One gateway: its health, its devices with the unknown and silent ones first, and what nobody understood. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import {
  gateways,
  gatewaysError,
  loadCommissionings,
  loadDevices,
  loadGateways,
  loadModels,
  loadProfile,
  loadQuarantine,
} from "../data/gateways";
import { onReload } from "../data/live";
import type { DeviceStatus, GatewayStatus, QuarantineSample } from "../data/types";
import { inPlace, kindName, problemInWords, t, valueInWords } from "../i18n";
import { isLane } from "../logic/chart";
import { Ago } from "../parts/clock";
import {
  Backlog,
  DeviceCounts,
  FactList,
  Faults,
  GatewayState,
  Heartbeat,
  Proof,
} from "../parts/gateway-parts";
import { Icon } from "../parts/icons";
import { Link } from "../parts/link";
import { Models } from "../parts/models";
import { ProfileDialog } from "../parts/profile-dialog";
import { Said } from "../parts/said";
import { SiteSilences } from "../parts/site-silences";
import { useVirtual } from "../parts/virtual";
import { WalkTests } from "../parts/walk-tests";
import { siteName } from "./devices";

const REFRESH_MS = 20_000;

type Loaded<T> = { is: "loading" } | { is: "failed"; error: unknown } | { is: "loaded"; value: T };

function useLoaded<T>(load: (gateway: string) => Promise<T>, id: string): Loaded<T> {
  const state = useSignal<Loaded<T>>({ is: "loading" });
  useEffect(() => {
    let current = true;
    const read = async () => {
      try {
        const value = await load(id);
        if (current) state.value = { is: "loaded", value };
      } catch (error) {
        if (current) state.value = { is: "failed", error };
      }
    };
    void read();
    const timer = setInterval(() => void read(), REFRESH_MS);
    const end = onReload(() => void read());
    return () => {
      current = false;
      clearInterval(timer);
      end();
    };
  }, [load, id, state]);
  return state.value;
}

function WhenLoaded<T>({ list, children }: { list: Loaded<T>; children: (value: T) => ComponentChildren }) {
  if (list.is === "loading") return <p class="empty">{t.value.loading}</p>;
  if (list.is === "failed") {
    return <p class="note note-bad">{t.value.devices.failed + problemInWords(list.error)}</p>;
  }
  return children(list.value);
}

function attentionFirst(a: DeviceStatus, b: DeviceStatus): number {
  const rank = (device: DeviceStatus) =>
    device.state === "silent" ? 0 : !device.known ? 1 : device.state === "expected" ? 2 : 3;
  return rank(a) - rank(b) || a.device.localeCompare(b.device);
}

function Newest({ device }: { device: DeviceStatus }) {
  const reading = device.last_reading;
  if (!reading) return <>–</>;
  const { kind, unit, point } = reading;
  const state = isLane({ device: device.device, kind, unit: unit ?? null, points: [point] });
  return (
    <span>
      <Said>{kindName(kind)}</Said> <Said>{valueInWords(kind, point[1], unit, state)}</Said>
    </span>
  );
}

function DeviceRow({ device }: { device: DeviceStatus }) {
  const words = t.value.devices;
  return (
    <tr class={device.state === "silent" ? "is-silent" : undefined}>
      <th scope="row" data-label={words.device}>
        <Said class="number">{device.device}</Said>
        {!device.known && <span class="tag tag-warning">{words.notKnown}</span>}
      </th>
      <td>
        <span class={`status status-${device.state}`}>
          <span class="status-dot" aria-hidden="true" />
          {words.deviceState[device.state]}
        </span>
      </td>
      <td data-label={words.lastSeen}>{device.last_seen ? <Ago since={device.last_seen} /> : "–"}</td>
      <td data-label={words.place}>
        <Said>{inPlace(device.place) || "–"}</Said>
      </td>
      <td data-label={words.lastReading}>
        <Newest device={device} />
      </td>
      <td data-label={words.kinds}>
        <Said>{(device.kinds ?? []).map(kindName).join(t.value.joiner) || "–"}</Said>
      </td>
      <td data-label={words.profile}>
        <Said class="number">{device.profile ?? "–"}</Said>
      </td>
    </tr>
  );
}

/** A device's row on a wide screen, in pixels. */
const ROW_PX = 49;

function DeviceTable({ items }: { items: DeviceStatus[] }) {
  const words = t.value.devices;
  const view = useVirtual<HTMLTableElement>(items.length, ROW_PX, true);
  if (items.length === 0) return <p class="empty">{words.emptyDevices}</p>;
  return (
    <table class="table table-cards" ref={view.list}>
      <thead>
        <tr>
          {[
            words.device,
            words.attention,
            words.lastSeen,
            words.place,
            words.lastReading,
            words.kinds,
            words.profile,
          ].map((head, index) => (
            <th key={head} scope="col">
              {index === 1 ? <span class="visually-hidden">{head}</span> : head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {view.before}
        {[...items]
          .sort(attentionFirst)
          .slice(view.from, view.to)
          .map((device) => (
            <DeviceRow key={device.device} device={device} />
          ))}
        {view.after}
      </tbody>
    </table>
  );
}

function Quarantine({ gateway, items }: { gateway: string; items: QuarantineSample[] }) {
  const words = t.value.devices;
  const chosen = useSignal<string | null>(null);
  if (items.length === 0) return <p class="empty">{words.quarantineEmpty}</p>;
  return (
    <>
      <p class="panel-hint">{words.quarantineHint}</p>
      <ul class="quarantine">
        {items.map((item) => (
          <li key={`${item.source}|${item.reason}|${item.sample}`}>
            <p class="quarantine-top">
              <Said class="number">{item.source}</Said>
              <span>
                {words.count} {item.count}
              </span>
              <span>
                {words.lastSeen} <Ago since={item.last_seen} />
              </span>
            </p>
            <p>
              <Said>{item.reason}</Said>
            </p>
            <pre class="sample">
              <Said>{item.sample}</Said>
            </pre>
            <button
              type="button"
              class="button"
              onClick={() => {
                chosen.value = item.source;
              }}
            >
              {t.value.profile.make}
            </button>
          </li>
        ))}
      </ul>
      {chosen.value !== null && (
        <ProfileDialog
          key={chosen.value}
          source={chosen.value}
          load={() => loadProfile(gateway, chosen.value ?? "")}
          close={() => {
            chosen.value = null;
          }}
        />
      )}
    </>
  );
}

function Health({ gateway }: { gateway: GatewayStatus }) {
  const words = t.value.devices;
  const facts: [string, ComponentChildren][] = [
    [words.proof, <Proof key="proof" gateway={gateway} />],
    [words.lastHeartbeat, <Heartbeat key="heartbeat" gateway={gateway} />],
    [words.backlog, <Backlog key="backlog" gateway={gateway} />],
    [words.devices, <DeviceCounts key="devices" gateway={gateway} />],
    [words.version, <Said key="version">{gateway.agent_version ?? "–"}</Said>],
    [words.clock, words.clockQuality[gateway.clock]],
    [words.bootEpoch, gateway.boot_epoch ?? "–"],
  ];
  return (
    <section class="panel">
      <div class="gateway-name">
        <GatewayState gateway={gateway} />
        <h1>
          <Said>{siteName(gateway.site)}</Said>
        </h1>
        <Said class="number">{gateway.id}</Said>
      </div>
      <FactList facts={facts} />
      <h2>{words.faults}</h2>
      <Faults gateway={gateway} />
    </section>
  );
}

export function Gateway({ id }: { id: string }) {
  useEffect(() => {
    if (gateways.value === null) void loadGateways();
  }, []);
  const devices = useLoaded(loadDevices, id);
  const commissionings = useLoaded(loadCommissionings, id);
  const models = useLoaded(loadModels, id);
  const quarantine = useLoaded(loadQuarantine, id);
  const words = t.value.devices;
  const gateway = gateways.value?.get(id);
  return (
    <main class="page" id="main">
      <Link to="/devices" class="back">
        <Icon name="back" />
        {words.back}
      </Link>
      {gateway ? (
        <Health gateway={gateway} />
      ) : (
        <p class="note">
          {gatewaysError.value !== null
            ? words.failed + problemInWords(gatewaysError.value)
            : gateways.value === null
              ? t.value.loading
              : t.value.notFound}
        </p>
      )}
      <section class="panel">
        <h2>{words.devices}</h2>
        <WhenLoaded list={devices}>{(items) => <DeviceTable items={items} />}</WhenLoaded>
      </section>
      {gateway && (
        <section class="panel">
          <h2>{t.value.admin.sections.silences}</h2>
          <SiteSilences site={gateway.site} />
        </section>
      )}
      <section class="panel">
        <h2>{t.value.models.title}</h2>
        <WhenLoaded list={models}>{(found) => <Models found={found} />}</WhenLoaded>
      </section>
      <section class="panel">
        <h2>{t.value.walkTest.title}</h2>
        <WhenLoaded list={commissionings}>{(found) => <WalkTests found={found} />}</WhenLoaded>
      </section>
      <section class="panel">
        <h2>{words.quarantine}</h2>
        <WhenLoaded list={quarantine}>{(items) => <Quarantine gateway={id} items={items} />}</WhenLoaded>
      </section>
    </main>
  );
}
