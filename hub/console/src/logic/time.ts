/** Times for people. Pure apart from the browser's own time zone. */

const TWO = (n: number) => String(n).padStart(2, "0");

/** `mm:ss`, or `h:mm:ss` from an hour on; never negative. */
export function clock(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const h = Math.floor(s / 3600);
  const m = Math.floor((s % 3600) / 60);
  return h > 0 ? `${h}:${TWO(m)}:${TWO(s % 60)}` : `${TWO(m)}:${TWO(s % 60)}`;
}

export interface Parts {
  days: number;
  hours: number;
  minutes: number;
  seconds: number;
}

export function parts(ms: number): Parts {
  const s = Math.max(0, Math.floor(ms / 1000));
  return {
    days: Math.floor(s / 86_400),
    hours: Math.floor((s % 86_400) / 3600),
    minutes: Math.floor((s % 3600) / 60),
    seconds: s % 60,
  };
}

/** Time of day, `HH:MM:SS`. */
export function timeOfDay(ms: number): string {
  const at = new Date(ms);
  return `${TWO(at.getHours())}:${TWO(at.getMinutes())}:${TWO(at.getSeconds())}`;
}

/** Day and time, `YYYY-MM-DD HH:MM:SS`. */
export function dayAndTime(ms: number): string {
  const at = new Date(ms);
  return `${at.getFullYear()}-${TWO(at.getMonth() + 1)}-${TWO(at.getDate())} ${timeOfDay(ms)}`;
}

/** The time of day alone when it is of today, else with the day. */
export function moment(ms: number, nowMs: number): string {
  if (Number.isNaN(ms)) return "";
  return new Date(ms).toDateString() === new Date(nowMs).toDateString() ? timeOfDay(ms) : dayAndTime(ms);
}

/** `UTC+8`, `UTC−3:30`: an offset from UTC in minutes. */
export function offsetInWords(minutes: number): string {
  const size = Math.abs(minutes);
  const rest = size % 60 === 0 ? "" : `:${TWO(size % 60)}`;
  return `UTC${minutes < 0 ? "−" : "+"}${Math.floor(size / 60)}${rest}`;
}
