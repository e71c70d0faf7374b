/**
 * What is where: grids and sites by their worst open case, hazard points and risk areas by what they threaten
 * with, grid workers on duty with their tasks. The list beside the map has
 * everything that the map has, for the keyboard, for readers, and where a computer cannot draw a map.
 */
import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { openCases } from "../data/cases";
import {
  type Contact,
  DOMAINS,
  type Domain,
  followMap,
  loadContacts,
  loadMap,
  mapData,
  mapError,
  seesWorkers,
  workers,
} from "../data/map";
import { headline, inPlace, problemInWords, said, t } from "../i18n";
import { type Chosen, casesAt, type Row, rowsOf, type Target } from "../logic/map";
import { byUrgency } from "../logic/order";
import { parameters, setParameters } from "../logic/route";
import { language } from "../logic/settings";
import { timeOfDay } from "../logic/time";
import { Age, Ago } from "../parts/clock";
import { Icon } from "../parts/icons";
import { Link } from "../parts/link";
import { MapCanvas } from "../parts/map-canvas";
import { PATTERNS } from "../parts/risk-patterns";
import { Said } from "../parts/said";
import { SeverityShape } from "../parts/severity";
import { useVirtual } from "../parts/virtual";

const keyOf = (target: Target) => `${target.kind}:${target.id}`;

/** Which domain's risk areas are shown; in the address, too. */
function chosenDomain(): Chosen {
  const given = parameters.value.get("risk");
  return given === "none" || DOMAINS.some((domain) => domain === given) ? (given as Chosen) : "all";
}

/** What is chosen is in the address, so that a reload loses nothing. */
function chosen(): string | null {
  return parameters.value.get("at");
}

function DomainSwatch({ domain }: { domain: Domain }) {
  return (
    <svg class={`risk-swatch risk-${domain}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATTERNS[domain]} />
    </svg>
  );
}

function Person({ assumed }: { assumed: boolean }) {
  return (
    <svg
      class={assumed ? "icon map-person-assumed" : "icon map-person"}
      viewBox="0 0 24 24"
      aria-hidden="true"
      focusable="false"
    >
      <path d="M12 2a4.500 4.500 0 1 1-.01 0zM3 22c0-6 4-9 9-9s9 3 9 9z" />
    </svg>
  );
}

function Legend() {
  const words = t.value.map;
  return (
    <ul class="map-legend" aria-label={words.legend}>
      {(["P1", "P2", "P3", "P4"] as const).map((severity) => (
        <li key={severity}>
          <SeverityShape severity={severity} />
          {t.value.severity[severity]}
        </li>
      ))}
      <li>
        <CalmSign />
        {words.calm}
      </li>
      <li>
        <Icon name="flag" />
        {words.hazard}
      </li>
      {seesWorkers.value && (
        <>
          <li>
            <Person assumed={false} />
            {words.workerReported}
          </li>
          <li>
            <Person assumed={true} />
            {words.workerAssumed}
          </li>
        </>
      )}
    </ul>
  );
}

/** Which domain is shown, and what its ground looks like. */
function Risks() {
  const words = t.value.map;
  const chosen = chosenDomain();
  return (
    <div class="map-risks">
      <label>
        {words.risks}{" "}
        <select
          id="risk-domain"
          value={chosen}
          onChange={(event) => {
            const value = event.currentTarget.value;
            setParameters({ risk: value === "all" ? null : value });
          }}
        >
          <option value="all">{words.allRisks}</option>
          {DOMAINS.map((domain) => (
            <option key={domain} value={domain}>
              {words.domain[domain]}
            </option>
          ))}
          <option value="none">{words.noRisks}</option>
        </select>
      </label>
      {chosen !== "none" && (
        <ul class="map-legend" aria-label={words.risks}>
          {DOMAINS.filter((domain) => chosen === "all" || chosen === domain).map((domain) => (
            <li key={domain}>
              <DomainSwatch domain={domain} />
              {words.domain[domain]}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function CalmSign() {
  return (
    <svg class="shape" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <rect class="map-calm" x="7" y="7" width="10" height="10" />
    </svg>
  );
}

function RowSign({ row }: { row: Row }) {
  if (row.kind === "worker") return <Person assumed={row.assumed === true} />;
  if (row.kind === "risk" && row.domain !== undefined) return <DomainSwatch domain={row.domain} />;
  if (row.kind === "hazard") return <Icon name="flag" />;
  return row.worst === null ? <CalmSign /> : <SeverityShape severity={row.worst} />;
}

/** What a row is; of a hazard point and a risk area also what it threatens with. */
function kindInWords(row: Row): string {
  const words = t.value.map;
  const kind = words.kind[row.kind];
  return row.domain === undefined ? kind : `${kind} · ${words.domain[row.domain]}`;
}

function RowButton({ row, current }: { row: Row; current: boolean }) {
  const words = t.value.map;
  return (
    <li class={current ? "map-row map-row-current" : "map-row"} data-target={keyOf(row)}>
      <button
        type="button"
        aria-expanded={current}
        onClick={() => setParameters({ at: current ? null : keyOf(row) })}
      >
        <RowSign row={row} />
        <span class="map-row-name">
          <Said>{said(row.name) || row.id}</Said>
        </span>
        {row.silent && <span class="tag tag-warning">{words.silent}</span>}
        {row.at === null && <span class="tag">{words.notDrawn}</span>}
        <span class="map-row-kind">{kindInWords(row)}</span>
        {row.domain === undefined && (
          <strong class="map-row-open">
            {row.worst !== null && <span class="visually-hidden">{t.value.severity[row.worst]} </span>}
            {words.open(row.open)}
          </strong>
        )}
      </button>
      {current && <Here row={row} />}
    </li>
  );
}

/** More than this are not read here; the board has them all. */
const CASES_MAX = 20;

function Contacts({ kind, place }: { kind: "site" | "hazard"; place: string }) {
  const words = t.value.map;
  const found = useSignal<Contact[] | null>(null);
  const failure = useSignal<string | null>(null);
  const ask = async () => {
    try {
      found.value = await loadContacts(kind, place);
      failure.value = null;
    } catch (error) {
      failure.value = words.contactsFailed + problemInWords(error);
    }
  };
  if (found.value === null) {
    return (
      <p>
        <button type="button" class="button button-small" onClick={() => void ask()}>
          {words.contacts}
        </button>{" "}
        {failure.value}
      </p>
    );
  }
  if (found.value.length === 0) return <p class="empty">{words.noContacts}</p>;
  return (
    <ol class="plain">
      {found.value.map((contact) => (
        <li key={`${contact.order}${contact.phone}`}>
          <Said>{contact.duty}</Said> <Said>{contact.name}</Said>{" "}
          <a href={`tel:${contact.phone.replace(/[^+\d]/g, "")}`}>
            <Said class="number">{contact.phone}</Said>
          </a>
        </li>
      ))}
    </ol>
  );
}

/** Somebody on duty: what they do, until when, and how old what is known of their place is. */
function Worker({ username }: { username: string }) {
  const words = t.value.map;
  const found = workers.value.find((each) => each.username === username);
  if (found === undefined) return null;
  const { place } = found;
  const reported = place?.reported_at;
  return (
    <div class="map-here">
      <p>
        <Said>{said(found.unit) || t.value.role[found.role]}</Said> · <Said>{said(found.area_name)}</Said> ·{" "}
        {words.onDutyUntil(timeOfDay(Date.parse(found.until)).slice(0, 5))}
      </p>
      <p class={reported ? "map-reported" : "map-assumed"}>
        {!place && words.placeUnknown}
        {place && !reported && words.placeAssumed}
        {place && reported && (
          <>
            {words.placeReported(place.accuracy_m ?? null)} <Ago since={reported} />
          </>
        )}
      </p>
      {found.tasks.length === 0 && <p class="empty">{words.noTasks}</p>}
      <ul class="map-cases">
        {found.tasks.map((task) => {
          const known = openCases.value.get(task.case);
          return (
            <li key={task.case}>
              <SeverityShape severity={task.severity} />
              <span>
                <Link to={`/cases/${task.case}`}>
                  <Said>{known === undefined ? task.number : headline(known)}</Said>
                </Link>{" "}
                {known !== undefined && <Said>{inPlace(known.place)}</Said>}
              </span>
              {known !== undefined && <Age since={known.opened_at} />}
            </li>
          );
        })}
      </ul>
      {found.tasks_total > found.tasks.length && <p>{words.more(found.tasks_total - found.tasks.length)}</p>}
    </div>
  );
}

function Here({ row }: { row: Row }) {
  const words = t.value.map;
  const cases = casesAt(row, openCases.value.values()).sort(byUrgency);
  if (row.kind === "worker") return <Worker username={row.id} />;
  const hazard =
    row.kind === "hazard" ? mapData.value?.hazards.find((each) => each.code === row.id) : undefined;
  return (
    <div class="map-here">
      {hazard && (
        <p>
          <Said>{hazard.category}</Said>
        </p>
      )}
      {(row.kind === "site" || row.kind === "hazard") && <Contacts kind={row.kind} place={row.id} />}
      {row.domain === undefined && cases.length === 0 && <p class="empty">{words.noCases}</p>}
      <ul class="map-cases">
        {cases.slice(0, CASES_MAX).map((found) => (
          <li key={found.id}>
            <SeverityShape severity={found.severity} />
            <span>
              <Link to={`/cases/${found.id}`}>
                <Said>{headline(found)}</Said>
              </Link>{" "}
              <Said>{inPlace(found.place)}</Said>
            </span>
            <Age since={found.opened_at} />
          </li>
        ))}
      </ul>
      {cases.length > CASES_MAX && <p>{words.more(cases.length - CASES_MAX)}</p>}
    </div>
  );
}

/** A row's height without its cases, in pixels. */
const ROW_PX = 45;

function List({ rows }: { rows: Row[] }) {
  const view = useVirtual(rows.length, ROW_PX);
  const current = chosen();
  useEffect(() => {
    if (current === null) return;
    const row = view.list.current?.querySelector(`[data-target="${CSS.escape(current)}"]`);
    row?.scrollIntoView({ block: "nearest" });
  }, [current, view.list]);
  return (
    <ul class="map-rows" ref={view.list}>
      {view.before}
      {rows.slice(view.from, view.to).map((row) => (
        <RowButton key={keyOf(row)} row={row} current={current === keyOf(row)} />
      ))}
      {view.after}
    </ul>
  );
}

export function MapPage() {
  const words = t.value.map;
  useEffect(() => followMap(true), []);
  const rows = useComputed(() =>
    mapData.value === null
      ? []
      : rowsOf(mapData.value, language.value, seesWorkers.value ? workers.value : [], chosenDomain()),
  );
  const data = mapData.value;
  const current = chosen();
  const at = rows.value.find((row) => keyOf(row) === current)?.at ?? null;
  return (
    <main class="map-page" id="main">
      <h1 class="visually-hidden">{words.title}</h1>
      {data !== null && (
        <MapCanvas
          data={data}
          rows={rows.value}
          at={at}
          pick={(target) => setParameters({ at: keyOf(target) })}
          fallback={<p>{words.noMap}</p>}
        />
      )}
      <section class="map-list" aria-labelledby="map-list-heading">
        <header class="map-list-head">
          <h2 id="map-list-heading">{words.list}</h2>
          <Legend />
          <Risks />
        </header>
        {mapError.value !== null && (
          <div class="note note-bad" role="alert">
            {words.failed}
            {problemInWords(mapError.value)}
            <button type="button" class="button button-small" onClick={() => void loadMap()}>
              {t.value.again}
            </button>
          </div>
        )}
        {data === null && mapError.value === null && <p class="note">{t.value.loading}</p>}
        {data !== null && rows.value.length === 0 && <p class="list-empty">{words.empty}</p>}
        <List rows={rows.value} />
      </section>
    </main>
  );
}
