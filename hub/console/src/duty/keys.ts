/** Which key presses are commands: single keys, unless turned off, never while someone types. */
import { singleKeys } from "../logic/settings";

/** The command key of an event, or null when the event is not meant as a command. */
export function commandOf(event: KeyboardEvent): string | null {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing)
    return null;
  const target = event.target;
  if (target instanceof HTMLElement) {
    if (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return null;
  }
  if (document.querySelector("dialog[open]") !== null) return null;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key.length === 1 && !singleKeys.value) return null;
  // A key held down must not acknowledge one case after the other.
  if (event.repeat && !/^(j|k|ArrowDown|ArrowUp)$/.test(key)) return null;
  return key;
}
