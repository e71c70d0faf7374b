/** The list of keys, and the switch that turns single keys off. */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n";
import { chooseSingleKeys, singleKeys } from "../logic/settings";

export const helpOpen = signal(false);

export function KeysHelp() {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = helpOpen.value;
  useEffect(() => {
    if (open && dialog.current?.open === false) dialog.current.showModal();
  }, [open]);
  if (!open) return null;
  const words = t.value.keys;
  const rows: [string[], string][] = [
    [["J", "K", "↓", "↑"], words.move],
    [["A"], words.acknowledge],
    [["V", "F", "D"], words.steps],
    [["1", "…", "9"], words.digits],
    [["Enter"], words.open],
    [["→", "←"], words.group],
    [["N"], words.release],
    [["M"], words.mute],
    [["Esc"], words.leave],
    [["B"], words.back],
    [["?"], words.help],
  ];
  const close = () => {
    helpOpen.value = false;
  };
  return (
    <dialog class="dialog" ref={dialog} aria-labelledby="keys-title" onClose={close}>
      <h2 id="keys-title">{words.title}</h2>
      <dl class="keys">
        {rows.map(([keys, what]) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input
          type="checkbox"
          checked={singleKeys.value}
          onChange={(event) => chooseSingleKeys(event.currentTarget.checked)}
        />
        <span>{words.single}</span>
      </label>
      <button type="button" class="button button-primary" onClick={() => dialog.current?.close()}>
        {t.value.close}
      </button>
    </dialog>
  );
}
