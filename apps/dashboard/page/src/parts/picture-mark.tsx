/** Marks a camera whose picture can be looked at. */
export function PictureMark() {
  return (
    <svg class="picture-mark" viewBox="0 0 20 20" role="img" aria-label="has a live picture">
      <title>has a live picture</title>
      <path d="M2.5 5.5h10v9h-10zM12.5 9l5-3v8l-5-3z" />
    </svg>
  );
}
