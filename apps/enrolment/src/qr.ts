/** QR codes (ISO/IEC 18004): as SVG, and as lines of a terminal. */
import encodeQR from "qr";

/** Of damage that a reader makes up for: 15 %. */
const OPTIONS = { ecc: "medium", border: 4 } as const;

export function qrOf(text: string): { qrSvg: string; qrText: string } {
  return {
    qrSvg: encodeQR(text, "svg", OPTIONS),
    qrText: encodeQR(text, "ascii", OPTIONS),
  };
}
