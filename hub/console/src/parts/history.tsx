/** Everything that was done to a case, newest first; nothing is ever taken out of it. */
import type { Case } from "../data/types";
import { actionName, said, t } from "../i18n";
import { Moment } from "./clock";
import { Said } from "./said";
import { actorName } from "./way";

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
              <strong>{actionName(row.action)}</strong>
              <Said class="history-who">{actorName(row)}</Said>
            </span>
            {said(row.note) && <Said class="history-note">{said(row.note)}</Said>}
            {row.reason && <Said class="history-reason">{row.reason}</Said>}
          </li>
        ))}
      </ol>
    </section>
  );
}
