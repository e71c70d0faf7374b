/** The alerts of a case: what raised each, in words, and why it belongs here. */
import { useSignal } from "@preact/signals";
import { session } from "../data/session";
import { type Alert, type Case, type CaseAlert, measured, type Role } from "../data/types";
import { splitOff } from "../duty/joining";
import { inPlace, kindName, said, t, valueInWords } from "../i18n";
import { isLane } from "../logic/chart";
import { isOpen } from "../logic/loop";
import { Moment } from "./clock";
import { ReasonForm } from "./reason-form";
import { Said } from "./said";
import { SeverityBadge } from "./severity";

function Detector({ alert }: { alert: Alert }) {
  const words = t.value.case;
  const by = alert.detected_by;
  return (
    <span class="detector">
      {by.by === "rule" ? (
        <>
          {words.detectedByRule} <Said class="number">{by.rule}</Said>
        </>
      ) : (
        <>
          {words.detectedByModel} <Said class="number">{by.model}</Said> {words.build} {by.build}
        </>
      )}
      {alert.score !== undefined && alert.score !== null && (
        <span class="score">
          {words.score} <strong>{alert.score.toFixed(2)}</strong>
          <svg class="score-bar" viewBox="0 0 60 8" aria-hidden="true" focusable="false">
            <rect class="load-track" width="60" height="8" rx="2" />
            <rect class="score-fill" width={Math.max(0, Math.min(1, alert.score)) * 60} height="8" rx="2" />
          </svg>
        </span>
      )}
    </span>
  );
}

function Evidence({ alert }: { alert: Alert }) {
  const readings = alert.evidence ?? [];
  if (readings.length === 0) return null;
  return (
    <details class="evidence">
      <summary>{t.value.case.evidence(readings.length)}</summary>
      <table class="table">
        <tbody>
          {readings.map((reading) => (
            <tr key={`${reading.at}|${reading.kind}|${reading.device}`}>
              <td class="number">
                <Moment time={reading.at} />
              </td>
              <td>
                <Said>{kindName(reading.kind)}</Said> <Said class="chart-device">{reading.device}</Said>
              </td>
              <td>
                <Said>
                  {valueInWords(
                    reading.kind,
                    measured(reading),
                    reading.unit,
                    isLane({
                      device: reading.device,
                      kind: reading.kind,
                      unit: reading.unit ?? null,
                      points: [[0, measured(reading)]],
                    }),
                  )}
                </Said>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

interface Splitting {
  /** Whether it is marked to be split off. */
  marked: boolean;
  mark: () => void;
}

function AlertItem({ item, splitting }: { item: CaseAlert; splitting: Splitting | null }) {
  const words = t.value.case;
  const { alert } = item;
  const place = inPlace(alert.place);
  return (
    <li class={item.cleared_at ? "alert alert-cleared" : "alert"}>
      <p class="alert-top">
        <SeverityBadge severity={alert.severity} />
        <strong>
          <Said>{kindName(alert.kind)}</Said>
        </strong>
        <Said class="number">{alert.device}</Said>
        {place && <Said class="alert-place">{place}</Said>}
        {alert.device_known === false && <span class="tag tag-warning">{words.deviceUnknown}</span>}
        {alert.clock === "unsure" && <span class="tag tag-warning">{words.clockUnsure}</span>}
        {alert.is_test && <span class="tag">{words.test}</span>}
      </p>
      <p class="alert-reason">
        <Said>{said(alert.reason)}</Said>
      </p>
      <p class="alert-by">
        <Detector alert={alert} />
      </p>
      <dl class="alert-times">
        <div>
          <dt>{words.raised}</dt>
          <dd>
            <Moment time={alert.raised_at} />
          </dd>
        </div>
        <div>
          <dt>{words.arrived}</dt>
          <dd>
            <Moment time={item.arrived_at} />
          </dd>
        </div>
        <div>
          <dt>{words.cleared}</dt>
          <dd>{item.cleared_at ? <Moment time={item.cleared_at} /> : <strong>{words.notCleared}</strong>}</dd>
        </div>
        {item.revisions > 1 && <div>{words.revisions(item.revisions - 1)}</div>}
      </dl>
      {said(item.joined_because) && said(item.joined_because) !== said(alert.reason) && (
        <p class="alert-joined">
          <span>{words.joined}</span> <Said>{said(item.joined_because)}</Said>
        </p>
      )}
      <Evidence alert={alert} />
      {splitting !== null && (
        <label class="choice alert-split">
          <input type="checkbox" checked={splitting.marked} onChange={splitting.mark} />
          <Said>{t.value.kin.splitChoose(`${kindName(alert.kind)} ${alert.device}`)}</Said>
        </label>
      )}
    </li>
  );
}

/** Who takes alerts out of a case, as the hub has it. */
const MAY_SPLIT: ReadonlySet<Role> = new Set<Role>([
  "duty_officer",
  "shift_leader",
  "dispatcher",
  "supervisor",
  "administrator",
]);

interface Given {
  found: Case;
  take: (found: Case) => void;
}

/** Taking alerts out: first which, then why. */
function Split({ found, take, marked, clear }: Given & { marked: readonly string[]; clear: () => void }) {
  const words = t.value.kin;
  const asking = useSignal(false);
  const busy = useSignal(false);
  const all = marked.length >= found.alert_count;
  const send = async (reason: string) => {
    busy.value = true;
    const now = await splitOff(found, marked, reason);
    busy.value = false;
    if (now === null) return;
    asking.value = false;
    clear();
    take(now);
  };
  return (
    <div class="split">
      {asking.value && marked.length > 0 && !all ? (
        <ReasonForm
          title={words.splitDo(marked.length)}
          busy={busy.value}
          send={(reason) => void send(reason)}
          cancel={() => {
            asking.value = false;
          }}
        />
      ) : (
        <button
          type="button"
          class="button"
          disabled={marked.length === 0 || all}
          onClick={() => {
            asking.value = true;
          }}
        >
          {words.splitDo(marked.length)}
        </button>
      )}
      <p class="form-note">{all ? words.splitAll : words.splitHint}</p>
    </div>
  );
}

export function Alerts({ found, take }: Given) {
  const words = t.value.case;
  const marks = useSignal<ReadonlySet<string>>(new Set());
  const splits = useSignal(false);
  const role = session.value.is === "signed-in" ? session.value.session.role : null;
  const may = role !== null && MAY_SPLIT.has(role) && isOpen(found) && found.alerts.length > 1;
  const here = new Set(found.alerts.map(({ alert }) => alert.id));
  const marked = [...marks.value].filter((id) => here.has(id));
  const mark = (id: string) => {
    const next = new Set(marked);
    if (!next.delete(id)) next.add(id);
    marks.value = next;
  };
  return (
    <section class="panel" aria-labelledby="why-heading">
      <h2 id="why-heading">{words.why}</h2>
      {found.related_reason && (
        <p class="alert-joined">
          <span>{words.related}</span> <Said>{said(found.related_reason)}</Said>
        </p>
      )}
      {found.alerts.length < found.alert_count && (
        <p class="note note-warning">{words.alertsLeftOut(found.alerts.length, found.alert_count)}</p>
      )}
      <ol class="alerts">
        {found.alerts.map((item) => (
          <AlertItem
            key={item.alert.id}
            item={item}
            splitting={
              may && splits.value
                ? { marked: marked.includes(item.alert.id), mark: () => mark(item.alert.id) }
                : null
            }
          />
        ))}
      </ol>
      {may && (
        <button
          type="button"
          class="button button-small"
          aria-expanded={splits.value}
          onClick={() => {
            splits.value = !splits.value;
          }}
        >
          {t.value.kin.split}
        </button>
      )}
      {may && splits.value && (
        <Split
          found={found}
          take={take}
          marked={marked}
          clear={() => {
            marks.value = new Set();
            splits.value = false;
          }}
        />
      )}
    </section>
  );
}
