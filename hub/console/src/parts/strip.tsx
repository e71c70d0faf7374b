/**
 * The strip under the header: how the line to the hub is and whether a new P1 would be heard. It has its
 * own place on every page, so that a broken line never moves what is under the cursor.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { missingAtDesks } from "../data/desks";
import { link, linkLost, secondsSinceAlive } from "../data/live";
import { atDesk } from "../data/session";
import { isMuted, muteUntilNext, sounding, soundWarning, startShift } from "../duty/shift";
import { said, span, t } from "../i18n";
import { Icon } from "./icons";
import { Link } from "./link";
import { ParentWarning } from "./parent-line";
import { Said } from "./said";

/** How long the good news of a restored line stays. */
const RESTORED_MS = 6000;

function useRestored(): boolean {
  const restored = useSignal(false);
  const wasLost = useRef(false);
  const lost = linkLost.value;
  useEffect(() => {
    if (lost) {
      wasLost.current = true;
      restored.value = false;
      return undefined;
    }
    if (!wasLost.current || link.value !== "live") return undefined;
    wasLost.current = false;
    restored.value = true;
    const timer = setTimeout(() => {
      restored.value = false;
    }, RESTORED_MS);
    return () => clearTimeout(timer);
  }, [lost, restored]);
  return restored.value;
}

function LinkState() {
  const words = t.value.link;
  const restored = useRestored();
  if (linkLost.value) {
    return (
      <span class="strip-link">
        <Icon name="linkOff" />
        <strong>{words.lost(span(secondsSinceAlive.value * 1000))}</strong>
        <span class="strip-detail">{words.lostDetail}</span>
      </span>
    );
  }
  return (
    <span class="strip-link">
      <Icon name="link" />
      <span>{link.value === "live" ? words.live : words.connecting}</span>
      {link.value === "live" && (
        <span class="strip-detail strip-faint">
          {restored ? words.back : words.alive(secondsSinceAlive.value)}
        </span>
      )}
    </span>
  );
}

/** What is missing at a desk: nobody there, a shift that nobody took over, a console that nobody hears. */
function DeskState() {
  const [first, ...more] = missingAtDesks.value;
  if (first === undefined) return null;
  return (
    <Link to="/admin/rosters" class="strip-desk">
      <Icon name="bellOff" />
      <span class="strip-desk-text" role="status">
        <Said>{said(first.missing.detail)}</Said>
        {more.length > 0 && ` +${more.length}`}
      </span>
    </Link>
  );
}

/** Whether a new P1 would be heard, or what rings now; always in the same place and of the same height. */
function SoundState() {
  const words = t.value.shift;
  const warning = soundWarning.value;
  if (warning !== null) {
    const text = { "not-armed": words.notArmed, rearm: words.rearm, broken: words.broken }[warning];
    return (
      <button type="button" class="strip-sound strip-warning" onClick={() => void startShift()}>
        <Icon name="bellOff" />
        <span>{text}</span>
      </button>
    );
  }
  if (sounding.value) {
    return (
      <button type="button" class="strip-sound strip-ringing" onClick={muteUntilNext}>
        <Icon name="bell" />
        <strong>{words.ringing}</strong>
        <span>{words.mute}</span>
        <kbd>M</kbd>
      </button>
    );
  }
  return (
    <span class="strip-sound strip-faint">
      <Icon name={isMuted.value ? "bellOff" : "bell"} />
      {isMuted.value ? words.muted : words.armed}
    </span>
  );
}

export function Strip() {
  const tone = linkLost.value ? "strip strip-lost" : "strip";
  return (
    <section
      class={tone}
      id="link-state"
      aria-label={t.value.link.label}
      data-link={linkLost.value ? "lost" : link.value}
    >
      <LinkState />
      <DeskState />
      <ParentWarning />
      {atDesk.value && <SoundState />}
    </section>
  );
}
