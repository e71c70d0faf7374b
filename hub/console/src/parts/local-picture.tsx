/**
 * A picture that is not at the hub yet, drawn on a canvas: the content security policy lets no `blob:`
 * address into a page.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Said } from "./said";

/** The longer side, in pixels: a thumb's width on a phone. */
const SIDE = 240;

export function LocalPicture({ file }: { file: File }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const failed = useSignal(false);
  useEffect(() => {
    let current = true;
    createImageBitmap(file).then(
      (bitmap) => {
        const target = canvas.current;
        if (!current || target === null) return bitmap.close();
        const scale = SIDE / Math.max(bitmap.width, bitmap.height, 1);
        target.width = Math.max(1, Math.round(bitmap.width * scale));
        target.height = Math.max(1, Math.round(bitmap.height * scale));
        target.getContext("2d")?.drawImage(bitmap, 0, 0, target.width, target.height);
        bitmap.close();
      },
      () => {
        failed.value = true;
      },
    );
    return () => {
      current = false;
    };
  }, [file, failed]);
  if (failed.value) return <Said>{file.name}</Said>;
  return <canvas ref={canvas} class="local-picture" role="img" aria-label={file.name} />;
}
