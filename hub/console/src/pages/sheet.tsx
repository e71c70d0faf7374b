/**
 * A case on paper, A4: everything that belongs into a file or into the hand of who goes there, and room to
 * sign. Black on white in every theme; what is masked stays masked.
 */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { loadCase } from "../data/cases";
import { hubNow } from "../data/clock";
import { type EvidenceList, evidenceAddress, listEvidence } from "../data/evidence";
import { session } from "../data/session";
import { sites } from "../data/sites";
import { type Alert, type Case, type CaseAlert, measured, type Transition } from "../data/types";
import {
  actionName,
  headline,
  inArea,
  inPlace,
  kindName,
  problemInWords,
  said,
  t,
  valueInWords,
} from "../i18n";
import { dayAndTime } from "../logic/time";
import { Icon } from "../parts/icons";
import { Link } from "../parts/link";
import { Said } from "../parts/said";
import { SeverityBadge } from "../parts/severity";
import { actorName } from "../parts/way";

/** On paper every time has its day: nobody knows when it is read. */
const when = (time: string | null | undefined) => (time ? dayAndTime(Date.parse(time)) : "");

/** More photos than this are on the screen, not on paper. */
const PHOTOS_MAX = 4;
/** More alerts than this do not help who reads the paper; their number is told. */
const ALERTS_MAX = 20;

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="sheet-fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Facts({ found }: { found: Case }) {
  const words = t.value.case;
  const site = sites.value.get(found.site.id);
  const acknowledger = found.transitions.find((each) => each.actor === found.acknowledged_by)?.actor_name;
  const none = t.value.unknown;
  const position =
    typeof site?.lat === "number" && typeof site.lon === "number"
      ? `${site.lat.toFixed(5)}, ${site.lon.toFixed(5)} (WGS 84)`
      : none;
  return (
    <dl class="sheet-facts">
      <Fact name={words.site}>
        <Said>{said(found.site.name) || found.site.id}</Said>
      </Fact>
      <Fact name={words.place}>
        <Said>{inPlace(found.place) || none}</Said>
      </Fact>
      <Fact name={words.address}>
        <Said>{said(site?.address) || none}</Said>
      </Fact>
      <Fact name={words.area}>
        <Said>{found.area_path.length > 0 ? inArea(found.area_path) : none}</Said>
      </Fact>
      <Fact name={words.buildingCode}>
        <Said>{site?.building_code ?? none}</Said>
      </Fact>
      <Fact name={words.position}>{position}</Fact>
      <Fact name={words.opened}>{when(found.opened_at)}</Fact>
      <Fact name={t.value.sheet.acknowledged}>
        {found.acknowledged_at ? (
          <Said>{`${when(found.acknowledged_at)} ${acknowledger ?? found.acknowledged_by ?? ""}`}</Said>
        ) : (
          t.value.sheet.notYet
        )}
      </Fact>
      <Fact name={t.value.flags.unit}>
        <Said>{said(found.unit?.name) || t.value.sheet.notYet}</Said>
      </Fact>
      <Fact name={t.value.flags.due}>{when(found.due_at) || t.value.sheet.notYet}</Fact>
      <Fact name={words.devices}>
        <Said>{found.devices.join(t.value.joiner) || t.value.none}</Said>
      </Fact>
      <Fact name={t.value.sheet.flags}>
        <Said>{flagsOf(found) || t.value.none}</Said>
      </Fact>
    </dl>
  );
}

function flagsOf(found: Case): string {
  const words = t.value.flags;
  return [
    found.urgent ? words.urgent : "",
    found.card && found.card !== "none" ? t.value.card[found.card] : "",
    found.level ? words.level(found.level) : "",
    found.extended ? words.extended(found.extended) : "",
  ]
    .filter((each) => each !== "")
    .join(t.value.joiner);
}

function detector(alert: Alert): string {
  const words = t.value.case;
  const by = alert.detected_by;
  const score = typeof alert.score === "number" ? `, ${words.score} ${alert.score.toFixed(2)}` : "";
  return by.by === "rule"
    ? `${words.detectedByRule} ${by.rule}`
    : `${words.detectedByModel} ${by.model} ${words.build} ${by.build}${score}`;
}

/** The last reading before the alert, as it was evidence for it. */
function lastReading(alert: Alert): string {
  const last = alert.evidence?.at(-1);
  return last === undefined
    ? ""
    : `${kindName(last.kind)} ${valueInWords(last.kind, measured(last), last.unit, false)}`;
}

function AlertRow({ given: { alert, cleared_at, joined_because } }: { given: CaseAlert }) {
  return (
    <tr>
      <td>
        {when(alert.raised_at)}
        {alert.clock === "unsure" && ` (${t.value.case.clockUnsure})`}
      </td>
      <td>
        <Said>{alert.device}</Said>
        <br />
        <Said>{inPlace(alert.place)}</Said>
      </td>
      <td>
        <Said>{said(alert.reason)}</Said>
        {lastReading(alert) && (
          <>
            <br />
            <Said>{lastReading(alert)}</Said>
          </>
        )}
        <br />
        <Said>{said(joined_because)}</Said>
      </td>
      <td>
        <Said>{detector(alert)}</Said>
      </td>
      <td>{cleared_at ? when(cleared_at) : t.value.case.notCleared}</td>
    </tr>
  );
}

function Alerts({ found }: { found: Case }) {
  const words = t.value.sheet;
  const shown = found.alerts.slice(0, ALERTS_MAX);
  if (shown.length === 0) return null;
  return (
    <section class="sheet-part">
      <h2>{t.value.case.why}</h2>
      {found.related_reason && <Said>{said(found.related_reason)}</Said>}
      <table class="sheet-table">
        <thead>
          <tr>
            {words.alertColumns.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((each) => (
            <AlertRow key={each.alert.id} given={each} />
          ))}
        </tbody>
      </table>
      {found.alert_count > shown.length && (
        <p>{t.value.case.alertsLeftOut(shown.length, found.alert_count)}</p>
      )}
    </section>
  );
}

function unitsOf(row: Transition, found: Case): string {
  const codes = [...new Set([row.details?.unit, ...(row.details?.units ?? [])])];
  return codes
    .flatMap((code) =>
      code === undefined ? [] : [said(found.units?.find((unit) => unit.code === code)?.name) || code],
    )
    .join(t.value.joiner);
}

function History({ found }: { found: Case }) {
  const words = t.value.sheet;
  return (
    <section class="sheet-part">
      <h2>{words.history}</h2>
      <table class="sheet-table">
        <thead>
          <tr>
            {words.historyColumns.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {[...found.transitions]
            .sort((a, b) => a.seq - b.seq)
            .map((row) => (
              <tr key={row.seq}>
                <td>{when(row.at)}</td>
                <td>
                  <Said>{actorName(row)}</Said>
                </td>
                <td>
                  <Said>{actionName(row.action)}</Said>
                </td>
                <td>{row.from === row.to ? "" : t.value.state[row.to]}</td>
                <td>
                  <Said>
                    {[unitsOf(row, found), said(row.note), row.reason ?? ""].filter(Boolean).join(" · ")}
                  </Said>
                  {row.evidence_hash && (
                    <>
                      <br />
                      <span class="number">{t.value.case.evidenceHash(row.evidence_hash)}</span>
                    </>
                  )}
                </td>
              </tr>
            ))}
        </tbody>
      </table>
    </section>
  );
}

function Evidence({ found, list }: { found: Case; list: EvidenceList }) {
  const words = t.value.sheet;
  const files = list.items;
  const pictures = files.filter((file) => file.file === "there" && file.media_type?.startsWith("image/"));
  // What this reader has given no reason to see is not on paper either.
  const hidden = list.masked && !(list.revealed_until && Date.parse(list.revealed_until) > hubNow());
  const photos = hidden ? [] : pictures.slice(0, PHOTOS_MAX);
  if (files.length === 0) return null;
  return (
    <section class="sheet-part">
      <h2>{t.value.evidence.title}</h2>
      <table class="sheet-table">
        <thead>
          <tr>
            {words.evidenceColumns.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {files.map((file) => (
            <tr key={file.sha256}>
              <td>
                <Said>{file.name ?? file.media_type ?? ""}</Said>
              </td>
              <td>
                <Said>{file.stored_by ?? ""}</Said>
              </td>
              <td>{when(file.taken_at ?? file.stored_at)}</td>
              <td class="sheet-hash">{file.sha256}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <div class="sheet-photos">
        {photos.map((file) => (
          <img
            key={file.sha256}
            src={evidenceAddress(found.id, file.sha256)}
            alt={t.value.evidence.pictureOf(file.name ?? file.sha256.slice(0, 12))}
          />
        ))}
      </div>
      {hidden && pictures.length > 0 && <p>{words.masked(pictures.length)}</p>}
    </section>
  );
}

function Paper({ found, list }: { found: Case; list: EvidenceList }) {
  const words = t.value.sheet;
  const who = session.value.is === "signed-in" ? session.value.session.display_name : "";
  return (
    <article class="sheet">
      <header class="sheet-head">
        <div>
          <p class="sheet-kind">{words.title}</p>
          <h1>
            <Said>{headline(found)}</Said>
          </h1>
        </div>
        <dl class="sheet-id">
          <Fact name={t.value.case.number}>
            <strong class="number">{found.number}</strong>
          </Fact>
          <Fact name={words.severity}>
            <SeverityBadge severity={found.severity} />
          </Fact>
          <Fact name={t.value.case.category}>
            <Said>{said(found.category_name)}</Said>
          </Fact>
          <Fact name={words.state}>{t.value.state[found.state]}</Fact>
        </dl>
      </header>
      {found.is_drill && <p class="sheet-drill">{t.value.case.drill}</p>}
      <Facts found={found} />
      <Alerts found={found} />
      <History found={found} />
      <Evidence found={found} list={list} />
      <section class="sheet-part sheet-notes">
        <h2>{words.notes}</h2>
        <div class="sheet-lines" />
      </section>
      <dl class="sheet-signs">
        {words.signs.map((name) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd />
          </div>
        ))}
      </dl>
      <footer class="sheet-foot">
        <Said>{words.printed(who, dayAndTime(hubNow()), location.host, found.version)}</Said>
      </footer>
    </article>
  );
}

type Loaded =
  | { is: "loading" }
  | { is: "failed"; error: unknown }
  | { is: "loaded"; found: Case; list: EvidenceList };

export function SheetPage({ id }: { id: number }) {
  const words = t.value.sheet;
  const loaded = useSignal<Loaded>({ is: "loading" });
  useEffect(() => {
    const read = async () => {
      try {
        const found = await loadCase(id);
        // Without the list of files the rest of the case still belongs on paper.
        const list = await listEvidence(id).catch(() => ({ items: [], masked: false }));
        loaded.value = { is: "loaded", found, list };
      } catch (error) {
        loaded.value = { is: "failed", error };
      }
    };
    void read();
  }, [id, loaded]);
  const state = loaded.value;
  return (
    <main class="sheet-page" id="main">
      <div class="sheet-tools">
        <Link to={`/cases/${id}`} class="back">
          <Icon name="back" />
          {words.back}
        </Link>
        <button type="button" class="button button-primary" onClick={() => print()}>
          <Icon name="print" />
          {words.print}
        </button>
      </div>
      {state.is === "loading" && <p class="note">{t.value.loading}</p>}
      {state.is === "failed" && (
        <p class="note note-bad" role="alert">
          {t.value.case.failed}
          {problemInWords(state.error)}
        </p>
      )}
      {state.is === "loaded" && <Paper found={state.found} list={state.list} />}
    </main>
  );
}
