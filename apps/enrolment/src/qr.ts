/** QR codes (ISO/IEC 18004): as SVG, and as lines of a terminal. */
import encodeQR from "qr";

/** Of damage that a reader makes up for: 15 %. With the quiet zone of section 6.3.8. */
const OPTIONS = { ecc: "medium", border: 4 } as const;
/** The library leaves the ground out: on a dark page nothing would be seen. */
const GROUND = `<rect width="100%" height="100%" fill="#fff"/>`;

export function qrOf(text: string): { qrSvg: string; qrText: string } {
  return {
    qrSvg: encodeQR(text, "svg", OPTIONS).replace("<path ", `${GROUND}<path fill="#000" `),
    qrText: encodeQR(text, "ascii", OPTIONS).trimEnd(),
  };
}
