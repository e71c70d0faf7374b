/** Walk tests of a gateway: what was pressed, how long it took, what was not; and test alerts that came. */
import type { Commissioning, Commissionings, TestAlert, WalkTestPress } from "../data/types";
import { inPlace, kindName, t } from "../i18n";
import { seconds } from "../logic/latency";
import { Moment } from "./clock";
import { Link } from "./link";
import { Said } from "./said";

function ResultTag({ record }: { record: Commissioning }) {
  const tag = record.result === "passed" ? "tag good" : "tag tag-warning";
  return <span class={tag}>{t.value.walkTest.result[record.result]}</span>;
}

function Arrived({ press }: { press: WalkTestPress }) {
  const words = t.value.walkTest;
  if (press.refused)
    return (
      <strong class="bad">
        {words.refused} <Said>{press.refused}</Said>
      </strong>
    );
  if (!press.accepted_at) return <strong class="bad">{words.notAccepted}</strong>;
  return <>{seconds(press.agent_to_hub_ms) ?? "–"}</>;
}

function PressTable({ presses }: { presses: WalkTestPress[] }) {
  const words = t.value.walkTest;
  return (
    <table class="table table-cards">
      <thead>
        <tr>
          {[words.device, words.place, words.said, words.at, words.sensorToAgent, words.agentToHub].map(
            (head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ),
          )}
        </tr>
      </thead>
      <tbody>
        {presses.map((press) => (
          <tr key={press.alert}>
            <th scope="row">
              <Said class="number">{press.device}</Said>
            </th>
            <td data-label={words.place}>
              <Said>{inPlace(press.place ?? {}) || "–"}</Said>
            </td>
            <td data-label={words.said}>
              <Said>{kindName(press.kind)}</Said>
            </td>
            <td data-label={words.at}>
              <Moment time={press.received_at} />
            </td>
            <td data-label={words.sensorToAgent}>{seconds(press.sensor_to_agent_ms) ?? words.noTime}</td>
            <td data-label={words.agentToHub}>
              <Arrived press={press} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Missing({ record }: { record: Commissioning }) {
  const words = t.value.walkTest;
  const count = record.missing.length + (record.missing_not_listed ?? 0);
  if (count === 0) return <p class="good">{words.nothingMissing}</p>;
  return (
    <>
      <h3 class="bad">{words.missing(count)}</h3>
      <ul class="walk-missing">
        {record.missing.map((each) => (
          <li key={each.device}>
            <Said class="number">{each.device}</Said> <Said>{inPlace(each.place ?? {})}</Said>
          </li>
        ))}
      </ul>
    </>
  );
}

function Walk({ record }: { record: Commissioning }) {
  const words = t.value.walkTest;
  const devices = new Set(record.tested.map((press) => press.device)).size;
  return (
    <details class="walk">
      <summary>
        <ResultTag record={record} /> <Moment time={record.started_at} /> <Said>{record.by}</Said>{" "}
        {words.counts(devices, record.missing.length + (record.missing_not_listed ?? 0))}
      </summary>
      <p class="panel-hint">
        <Moment time={record.started_at} /> – <Moment time={record.ended_at} />{" "}
        {words.ended[record.ended_because]}{" "}
        {record.chosen?.length ? words.chosen(record.chosen.length) : words.all}{" "}
        <Said>{words.version(record.agent_version)}</Said> {record.clock === "unsure" && words.clockUnsure}
      </p>
      {record.tested.length > 0 ? <PressTable presses={record.tested} /> : <p>{words.nonePressed}</p>}
      {(record.presses_not_listed ?? 0) > 0 && <p>{words.more(record.presses_not_listed ?? 0)}</p>}
      <Missing record={record} />
    </details>
  );
}

function TestAlerts({ alerts }: { alerts: TestAlert[] }) {
  const words = t.value.walkTest;
  return (
    <details class="walk">
      <summary>{words.alerts(alerts.length)}</summary>
      <ul class="walk-missing">
        {alerts.map((alert) => (
          <li key={alert.id}>
            <Link to={`/cases/${alert.case}`}>
              <Moment time={alert.arrived_at} />
            </Link>{" "}
            <Said class="number">{alert.device}</Said> <Said>{kindName(alert.kind)}</Said>{" "}
            <Said>{inPlace(alert.place)}</Said>
          </li>
        ))}
      </ul>
    </details>
  );
}

export function WalkTests({ found }: { found: Commissionings }) {
  const words = t.value.walkTest;
  return (
    <>
      <p class="panel-hint">{words.hint}</p>
      {found.items.length === 0 && <p class="empty">{words.empty}</p>}
      {found.items.map((record) => (
        <Walk key={record.id} record={record} />
      ))}
      {found.test_alerts.length > 0 && <TestAlerts alerts={found.test_alerts} />}
    </>
  );
}
