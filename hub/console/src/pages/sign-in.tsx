/** Sign-in. The page that the officer wanted stays in the address and opens afterwards. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { ApiError, LineError } from "../data/http";
import { signIn } from "../data/session";
import { problemInWords, t } from "../i18n";
import { suggestLanguage } from "../logic/settings";
import { LanguageSwitch } from "../parts/header";

/** What went wrong, and until when trying again is pointless. */
interface Failure {
  text: () => string;
  untilMs?: number;
}

function failureOf(error: unknown): Failure {
  if (error instanceof ApiError && error.code === "wrong-credentials")
    return { text: () => t.value.signIn.wrong };
  if (error instanceof ApiError && error.problem.status === 429) {
    if (error.retryAfterS === null) return { text: () => t.value.signIn.tooMany(null) };
    const untilMs = Date.now() + error.retryAfterS * 1000;
    const left = () => Math.max(0, Math.ceil((untilMs - Date.now()) / 1000));
    return { text: () => t.value.signIn.tooMany(left()), untilMs };
  }
  if (error instanceof LineError) return { text: () => t.value.signIn.line };
  return { text: () => t.value.signIn.failed + problemInWords(error) };
}

export function SignIn({ expired }: { expired: boolean }) {
  const words = t.value.signIn;
  const failure = useSignal<Failure | null>(null);
  const busy = useSignal(false);
  const shown = useSignal(false);
  const tick = useSignal(0);
  const name = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  useEffect(() => name.current?.focus(), []);
  useEffect(() => {
    const timer = setInterval(() => {
      tick.value += 1;
      const until = failure.value?.untilMs;
      if (until !== undefined && until <= Date.now()) failure.value = null;
    }, 500);
    return () => clearInterval(timer);
  }, [tick, failure]);
  tick.value;
  const submit = async (event: Event) => {
    event.preventDefault();
    const user = name.current?.value.trim() ?? "";
    const secret = password.current?.value ?? "";
    if (user === "" || secret === "") {
      failure.value = { text: () => t.value.signIn.needBoth };
      return;
    }
    busy.value = true;
    failure.value = null;
    try {
      const session = await signIn(user, secret);
      suggestLanguage(session.language);
    } catch (error) {
      failure.value = failureOf(error);
      password.current?.select();
    } finally {
      busy.value = false;
    }
  };
  return (
    <main class="sign-in" id="main">
      <div class="sign-in-top">
        <LanguageSwitch />
      </div>
      <form class="sign-in-form" onSubmit={(event) => void submit(event)} noValidate>
        <svg class="brand-mark sign-in-mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
          <path class="brand-grid" d="M4 11h24M4 21h24M11 4v24M21 4v24" />
          <circle class="brand-dot" cx="21" cy="11" r="4.5" />
        </svg>
        <p class="sign-in-product">{t.value.product}</p>
        <h1>{words.title}</h1>
        {expired && <p class="form-note">{words.expired}</p>}
        <label class="field">
          <span>{words.username}</span>
          <input
            ref={name}
            name="username"
            autocomplete="username"
            autocapitalize="none"
            spellcheck={false}
            required
          />
        </label>
        <label class="field">
          <span>{words.password}</span>
          <input ref={password} name="password" type="password" autocomplete="current-password" required />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={shown.value}
            onChange={(event) => {
              shown.value = event.currentTarget.checked;
              password.current?.setAttribute("type", shown.value ? "text" : "password");
            }}
          />
          <span>{words.show}</span>
        </label>
        <div class="form-error-space" role="alert">
          {failure.value && <p class="form-error">{failure.value.text()}</p>}
        </div>
        <button
          type="submit"
          class="button button-primary button-large"
          disabled={busy.value || failure.value?.untilMs !== undefined}
        >
          {busy.value ? words.busy : words.submit}
        </button>
      </form>
    </main>
  );
}
