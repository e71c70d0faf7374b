/** The alerts of a case: what raised each, in words, and why it belongs here. */
import type { Alert, Case, CaseAlert } from "../data/types";
import { inPlace, kindName, said, t, valueInWords } from "../i18n";
import { isLane } from "../logic/chart";
import { Moment } from "./clock";
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
                    reading.value,
                    reading.unit,
                    isLane({
                      device: reading.device,
                      kind: reading.kind,
                      unit: reading.unit ?? null,
                      points: [[0, reading.value]],
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

function AlertItem({ item }: { item: CaseAlert }) {
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
    </li>
  );
}

export function Alerts({ found }: { found: Case }) {
  const words = t.value.case;
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
          <AlertItem key={item.alert.id} item={item} />
        ))}
      </ol>
    </section>
  );
}
