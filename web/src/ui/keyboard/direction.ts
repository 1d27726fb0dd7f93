/** Returns 1 for the arrow key that leads on along the line, -1 for the one that leads back, and 0 for other keys. */
export function stepOf(key: string, direction: string = document.documentElement.dir): -1 | 0 | 1 {
  if (key !== "ArrowLeft" && key !== "ArrowRight") return 0;
  return (key === "ArrowRight") === (direction !== "rtl") ? 1 : -1;
}
