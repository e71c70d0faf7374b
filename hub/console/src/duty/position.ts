/** Where the phone is. Asked for only when its person presses a button; a browser may refuse. */

export interface Position {
  lat: number;
  lon: number;
  accuracy_m: number;
}

/** A cellar has no sky: after this the person goes on without. */
const TIMEOUT_MS = 8000;
/** A position this old is still where the person is. */
const AGE_MAX_MS = 30_000;

/** WGS 84, as the Geolocation API has it; null when there is none. */
export function position(): Promise<Position | null> {
  if (!("geolocation" in navigator)) return Promise.resolve(null);
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), TIMEOUT_MS + 1000);
    const settle = (found: Position | null) => {
      clearTimeout(timer);
      resolve(found);
    };
    navigator.geolocation.getCurrentPosition(
      ({ coords }) =>
        settle({ lat: coords.latitude, lon: coords.longitude, accuracy_m: Math.round(coords.accuracy) }),
      () => settle(null),
      { enableHighAccuracy: true, timeout: TIMEOUT_MS, maximumAge: AGE_MAX_MS },
    );
  });
}
