/** Everything that was done to a case, newest first; nothing is ever taken out of it. */
import type { Case, Transition } from "../data/types";
import { actionName, said, t } from "../i18n";
import { Moment } from "./clock";
import { Said } from "./said";
import { actorName } from "./way";

/** What a step was given, where it names units, a case or evidence. */
function Given({ row, found }: { row: Transition; found: Case }) {
  const details = row.details ?? {};
  const name = (code: string) => said(found.units?.find((unit) => unit.code === code)?.name) || code;
  const units = [...new Set([...(details.unit ? [details.unit] : []), ...(details.units ?? [])])];
  return (
    <>
      {units.length > 0 && <Said class="history-note">{units.map(name).join(t.value.joiner)}</Said>}
      {typeof details.case === "number" && (
        <span class="history-note">{t.value.case.otherCase(details.case)}</span>
      )}
      {row.evidence_hash && (
        <span class="history-note number">{t.value.case.evidenceHash(row.evidence_hash)}</span>
      )}
    </>
  );
}

export function History({ found }: { found: Case }) {
  const rows = [...found.transitions].sort((a, b) => b.seq - a.seq);
  return (
    <section class="panel" aria-labelledby="history-heading">
      <h2 id="history-heading">{t.value.case.history}</h2>
      <ol class="history">
        {rows.map((row) => (
          <li key={row.seq}>
            <span class="history-time">
              <Moment time={row.at} />
            </span>
            <span class="history-what">
              <strong>
                <Said>{actionName(row.action)}</Said>
              </strong>
              <Said class="history-who">{actorName(row)}</Said>
            </span>
            {said(row.note) && <Said class="history-note">{said(row.note)}</Said>}
            <Given row={row} found={found} />
            {row.reason && <Said class="history-reason">{row.reason}</Said>}
          </li>
        ))}
      </ol>
    </section>
  );
}
