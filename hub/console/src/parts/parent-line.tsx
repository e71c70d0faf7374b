/**
 * The link to the parent hub: a calm line on the page of devices, a warning in the strip of every page when the
 * parent has not been reached for longer than the hub's limit.
 */
import { now } from "../data/clock";
import { type ParentLink, parentLink } from "../data/parent";
import { said, span, t } from "../i18n";
import { Ago, Moment } from "./clock";
import { Icon } from "./icons";
import { Link } from "./link";
import { Said } from "./said";

/** Since when nothing was heard of it: its last answer, or the first try without one. */
const unheardSince = (link: ParentLink) => link.last_success_at ?? link.since ?? null;

const unheardMs = (link: ParentLink) => {
  const since = unheardSince(link);
  return since === null ? 0 : Math.max(0, now.value - Date.parse(since));
};

/** Whole minutes up to an hour: the strip is no clock. */
const roughly = (ms: number) => {
  const minutes = Math.floor(ms / 60_000);
  return minutes < 60 ? t.value.parent.minutes(minutes) : span(ms);
};

/** In the strip, only when somebody has to know. */
export function ParentWarning() {
  const link = parentLink.value;
  if (link === null || !link.overdue) return null;
  return (
    <Link to="/devices" class="strip-desk strip-parent">
      <Icon name="linkOff" />
      <span class="strip-desk-text" role="status">
        {t.value.parent.unheard(roughly(unheardMs(link)))}
      </span>
    </Link>
  );
}

function Waiting({ link }: { link: ParentLink }) {
  const words = t.value.parent;
  if (typeof link.waiting !== "number") return <>{words.waitingUnknown}</>;
  if (link.waiting === 0) return <>{words.nothingWaits}</>;
  return (
    <>
      {words.waiting(link.waiting, link.more_wait)}
      {link.oldest_waiting_at && (
        <>
          {t.value.colon}
          {words.oldest} <Ago since={link.oldest_waiting_at} />
        </>
      )}
    </>
  );
}

/** On the page of devices. */
export function ParentLine() {
  const link = parentLink.value;
  if (link === null) return null;
  const words = t.value.parent;
  const bad = link.overdue ? "parent-line note note-warning" : "parent-line panel";
  return (
    <section class={bad} aria-label={words.title} data-state={link.state}>
      <p class="parent-head">
        <Icon name={link.state === "down" ? "linkOff" : "link"} />
        <strong>
          {words.title} <Said>{link.name}</Said>
        </strong>
        <Said class="parent-host">{link.host}</Said>
        <span class={link.state === "up" ? "parent-up" : "warning"}>{words.state[link.state]}</span>
        {link.since && (
          <span class="parent-since">
            {words.since} <Moment time={link.since} />
          </span>
        )}
      </p>
      {link.why && (
        <p>
          <Said>{said(link.why)}</Said>
        </p>
      )}
      <dl class="parent-facts">
        <div>
          <dt>{words.lastSuccess}</dt>
          <dd>{link.last_success_at ? <Ago since={link.last_success_at} /> : words.never}</dd>
        </div>
        <div>
          <dt>{words.toSend}</dt>
          <dd>
            <Waiting link={link} />
          </dd>
        </div>
        <div>
          <dt>{words.lastCommand}</dt>
          <dd>{link.last_command_at ? <Ago since={link.last_command_at} /> : words.noCommand}</dd>
        </div>
      </dl>
    </section>
  );
}
