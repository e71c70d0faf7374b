/** The few drawings of the console, as inline SVG; each stands beside words and is hidden from readers. */
const PATHS = {
  bell: "M12 3a6 6 0 0 0-6 6v4l-2 3h16l-2-3V9a6 6 0 0 0-6-6zM10 19a2 2 0 0 0 4 0",
  bellOff: "M9 4a6 6 0 0 1 9 5v4l1 1.500M6 9v4l-2 3h12M10 19a2 2 0 0 0 4 0M4 3l17 18",
  speaker: "M4 9v6h4l5 4V5L8 9zM16.5 8.500a5 5 0 0 1 0 7M19 6a8.5 8.5 0 0 1 0 12",
  link: "M5 12.500a10 10 0 0 1 14 0M8 15.500a6 6 0 0 1 8 0M12 19h.01M2 9.500a14.5 14.5 0 0 1 20 0",
  linkOff:
    "M3 3l18 18M8 15.500a6 6 0 0 1 6-1.500M12 19h.01M5 12.500a10 10 0 0 1 4-2.400M2 9.500a14 14 0 0 1 5-3M13 6.500a14.5 14.5 0 0 1 9 3",
  menu: "M4 7h16M4 12h16M4 17h16",
  check: "M5 12.500l4.5 4.500L19 7.5",
  back: "M14 6l-6 6 6 6",
  place:
    "M12 21s7-6.2 7-11.500A7 7 0 0 0 5 9.500C5 14.8 12 21 12 21zM12 12a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  help: "M9 9a3 3 0 1 1 4.5 2.600c-1 .6-1.5 1.2-1.5 2.400M12 17.500h.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  eye: "M2 12s3.5-6.5 10-6.500S22 12 22 12s-3.5 6.5-10 6.500S2 12 2 12zM12 14.500a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3.5 2",
  up: "M12 19V5M6 11l6-6 6 6",
  cross: "M6 6l12 12M18 6L6 18",
  flag: "M6 21V4M6 5h11l-2 4 2 4H6",
  camera: "M4 8h3l2-3h6l2 3h3v11H4zM12 16.500a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z",
  list: "M9 6h11M9 12h11M9 18h11M4.500 6h.01M4.500 12h.01M4.500 18h.01",
  plus: "M12 5v14M5 12h14",
  print: "M7 9V4h10v5M7 17H4V9h16v8h-3M7 14h10v6H7z",
} as const;

export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
