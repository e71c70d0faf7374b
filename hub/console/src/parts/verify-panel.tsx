/**
 * Whether the audit and the histories are whole, read while the auditor looks on. The hub reads part by part; this
 * asks for one after the other until the end, a break, or until the auditor leaves or stops it.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { now as hubTime } from "../data/clock";
import { HEADS_BYTES_MAX, readChain } from "../data/verify";
import { at, said, t } from "../i18n";
import type { Chain, Progress } from "../logic/verify";
import { Failure, useDoing } from "./asked";
import { Icon } from "./icons";
import { Said } from "./said";

const CHAINS: readonly Chain[] = ["audit", "cases"];

type Found = Partial<Record<Chain, Progress>>;

function Going({ name, progress }: { name: string; progress: Progress | undefined }) {
  const words = t.value.admin.audit.check;
  return (
    <>
      <progress aria-label={words.reading(name)} max={progress?.links ?? 1} value={progress?.checked ?? 0} />
      <span class="number">{words.soFar(progress?.checked ?? 0, progress?.links ?? null)}</span>
    </>
  );
}

function Ended({ progress }: { progress: Progress }) {
  const words = t.value.admin.audit.check;
  const { checked, firstAt, lastAt, heads, hash, broken } = progress;
  const time = (when: string | null | undefined) => at(when, hubTime.value);
  if (broken) {
    return (
      <div class="note note-bad verify-broken">
        <p>
          <strong>
            <Icon name="cross" /> {broken.link ? words.brokenAt(broken.link) : words.broken}
          </strong>
          {t.value.colon}
          <Said>{said(broken.what)}</Said>
          {broken.at && words.ofTime(time(broken.at))}
        </p>
        <p>
          {words.advice}
          <Said>{said(broken.advice)}</Said>
        </p>
        <p>{words.fits(checked)}</p>
      </div>
    );
  }
  return (
    <div class="verify-whole">
      <p>
        <strong>
          <Icon name="check" /> {words.whole}
        </strong>
        {t.value.colon}
        {words.entries(checked, time(firstAt), time(lastAt))}
      </p>
      <p class="panel-hint">
        {words.heads(heads)}
        {words.newest} <code class="verify-hash">{hash.slice(0, 16)}</code>
      </p>
    </div>
  );
}

function Heads({ name, take }: { name: string; take: (name: string, text: string) => void }) {
  const words = t.value.admin.audit.check;
  const input = useRef<HTMLInputElement>(null);
  const tooLarge = useSignal(false);
  const { error, run } = useDoing();
  const choose = (file: File) =>
    run(async () => {
      tooLarge.value = file.size > HEADS_BYTES_MAX;
      if (!tooLarge.value) take(file.name, await file.text());
    });
  return (
    <>
      <div class="admin-tools">
        <button type="button" class="button button-small" onClick={() => input.current?.click()}>
          {words.choose}
        </button>
        <input
          ref={input}
          type="file"
          class="visually-hidden"
          tabIndex={-1}
          aria-label={words.choose}
          accept=".json,.jsonl,.txt"
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            event.currentTarget.value = "";
            if (file) choose(file);
          }}
        />
        {name === "" ? (
          <span class="verify-none">{words.noHeads}</span>
        ) : (
          <>
            <Said>{name}</Said>
            <button type="button" class="button button-small" onClick={() => take("", "")}>
              {words.without}
            </button>
          </>
        )}
      </div>
      {tooLarge.value && (
        <p class="note note-warning" role="alert">
          {words.tooLarge(Math.floor(HEADS_BYTES_MAX / 1e6))}
        </p>
      )}
      <Failure error={error.value} />
    </>
  );
}

export function VerifyPanel() {
  const words = t.value.admin.audit;
  const found = useSignal<Found>({});
  const heads = useSignal({ name: "", text: "" });
  const reading = useSignal<Chain | null>(null);
  // The turn that may still go on; another number when it was stopped or the page was left.
  const turn = useRef(0);
  const { busy, error, run } = useDoing();
  useEffect(
    () => () => {
      turn.current += 1;
    },
    [],
  );
  const start = () =>
    run(async () => {
      turn.current += 1;
      const mine = turn.current;
      found.value = {};
      try {
        for (const chain of CHAINS) {
          if (mine !== turn.current) return;
          reading.value = chain;
          await readChain(chain, heads.value.text, (progress) => {
            if (mine !== turn.current) return false;
            found.value = { ...found.value, [chain]: progress };
            return true;
          });
        }
      } finally {
        if (mine === turn.current) reading.value = null;
      }
    });
  const stop = () => {
    turn.current += 1;
    reading.value = null;
  };
  return (
    <details class="panel verify">
      <summary>{words.check.title}</summary>
      <p class="panel-hint">{words.check.about}</p>
      <Heads
        name={heads.value.name}
        take={(name, text) => {
          heads.value = { name, text };
        }}
      />
      <div class="admin-tools">
        {reading.value === null ? (
          <button type="button" class="button button-primary" disabled={busy.value} onClick={start}>
            {words.check.start}
          </button>
        ) : (
          <button type="button" class="button" onClick={stop}>
            {words.check.stop}
          </button>
        )}
      </div>
      <Failure error={error.value} />
      <dl class="verify-chains" aria-live="polite">
        {CHAINS.map((chain) => {
          const progress = found.value[chain];
          const ended = progress !== undefined && progress.verdict !== "goes_on";
          if (!ended && progress === undefined && reading.value !== chain) return null;
          return (
            <div key={chain} data-chain={chain}>
              <dt>{words.chains[chain]}</dt>
              <dd>
                {ended ? (
                  <Ended progress={progress} />
                ) : reading.value === chain ? (
                  <Going name={words.chains[chain]} progress={progress} />
                ) : (
                  <p>{words.check.stopped(progress?.checked ?? 0)}</p>
                )}
              </dd>
            </div>
          );
        })}
      </dl>
    </details>
  );
}
