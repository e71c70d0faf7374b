/** What the P1 card and the row of the board have in common. */
import { linkLost } from "../data/live";
import type { CaseSummary } from "../data/types";
import { acknowledge, notices, pending, setNotice } from "../duty/actions";
import { inPlace, kindName, said, t } from "../i18n";
import { isOpen, waits } from "../logic/loop";
import { Icon } from "./icons";
import { Said } from "./said";

/** Site and place in one line. */
export function Whereabouts({ found }: { found: CaseSummary }) {
  const place = inPlace(found.place);
  return (
    <span class="whereabouts">
      <Said class="whereabouts-site">{said(found.site.name) || found.site.id}</Said>
      {place && <Said class="whereabouts-place">{place}</Said>}
    </span>
  );
}

export function DrillMark() {
  return <span class="drill">{t.value.board.drill}</span>;
}

export function Kinds({ found }: { found: CaseSummary }) {
  return <Said class="kinds">{found.kinds.map(kindName).join(t.value.joiner)}</Said>;
}

/** The button that acknowledges; `target` is the case that the key A would acknowledge. */
export function AcknowledgeButton({ found, target }: { found: CaseSummary; target: boolean }) {
  const words = t.value.board;
  const sending = pending.value.has(found.id);
  if (!isOpen(found)) return <span class="ack-ended">{t.value.state[found.state]}</span>;
  if (!waits(found) || sending) {
    return (
      <span class="ack-state">
        <Icon name="check" />
        {sending
          ? words.acknowledging
          : found.state === "reported"
            ? t.value.acknowledged
            : t.value.state[found.state]}
      </span>
    );
  }
  return (
    <button
      type="button"
      class={`button button-ack button-ack-${found.severity}`}
      aria-describedby={`title-${found.id}`}
      aria-disabled={linkLost.value}
      onClick={() => acknowledge(found.id)}
    >
      {words.acknowledge}
      {target && <kbd>A</kbd>}
    </button>
  );
}

/** What the officer should know after an action, over the case and not beside it: nothing moves. */
export function CaseNotice({ id }: { id: number }) {
  const notice = notices.value.get(id);
  if (notice === undefined) return null;
  return (
    <div class={`case-notice notice-${notice.tone}`} role="status">
      <Said>{notice.text}</Said>
      <button type="button" class="button button-small" onClick={() => setNotice(id, null)}>
        {t.value.outcome.dismiss}
      </button>
    </div>
  );
}
