/** Clocks that count on the hub's time. Each draws itself anew once a second and nothing around it. */
import { now } from "../data/clock";
import { session } from "../data/session";
import type { CaseSummary } from "../data/types";
import { ago, at, span, t } from "../i18n";
import { waits } from "../logic/loop";
import { clock } from "../logic/time";
import { Said } from "./said";

/** How long ago something was, as `mm:ss`. */
export function Age({ since }: { since: string }) {
  return <time dateTime={since}>{clock(now.value - Date.parse(since))}</time>;
}

export function Ago({ since }: { since: string }) {
  return <time dateTime={since}>{ago(now.value - Date.parse(since))}</time>;
}

export function Moment({ time }: { time: string }) {
  return <time dateTime={time}>{at(time, now.value)}</time>;
}

/** The hub gives sign-in names here; one's own is shown as one knows oneself. */
function nameOf(username: string): string {
  const me = session.value.is === "signed-in" ? session.value.session : null;
  return me?.username === username ? me.display_name : username;
}

/** The time left to acknowledge, in words once it is over, and who has acknowledged. */
export function AckClock({ found, name }: { found: CaseSummary; name?: string | undefined }) {
  if (!waits(found)) {
    return (
      <span class="ack ack-done">
        <span class="ack-words">
          {found.acknowledged_by ? (
            <Said>{t.value.ack.by(name ?? nameOf(found.acknowledged_by))}</Said>
          ) : (
            t.value.state[found.state]
          )}
        </span>
        {found.acknowledged_at && (
          <span class="ack-note">
            <Moment time={found.acknowledged_at} />
          </span>
        )}
      </span>
    );
  }
  const due = Date.parse(found.ack_due_at);
  const left = due - now.value;
  if (left <= 0) {
    return (
      <span class="ack ack-overdue">
        <span class="ack-words">{t.value.ack.overdue(span(-left))}</span>
      </span>
    );
  }
  const whole = Math.max(1, due - Date.parse(found.opened_at));
  const short = left < whole / 3;
  return (
    <span class={short ? "ack ack-short" : "ack"}>
      <span class="ack-label">{t.value.ack.left}</span>
      <span class="ack-time">{clock(left)}</span>
    </span>
  );
}
