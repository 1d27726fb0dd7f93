import { type PointerEvent, type RefObject, useRef } from "react";
import { texts } from "../../texts";
import "./sheet_grabber.css";

/** How far a finger has to pull a sheet down to close it. */
const REACH_PX = 60;
/** A finger that moves less has tapped. */
const SLACK_PX = 6;

/** The bar at the upper edge of a sheet. A tap closes the sheet, and so does a finger that pulls it down. */
export function SheetGrabber({ sheet, onClose }: { sheet: RefObject<HTMLElement | null>; onClose: () => void }) {
  const startY = useRef<number | null>(null);
  const pulledPx = useRef(0);
  const follow = (px: number): void => {
    pulledPx.current = px;
    sheet.current?.style.setProperty("translate", `0 ${px}px`);
  };
  const pulled = ({ clientY }: PointerEvent): void => {
    if (startY.current !== null) follow(Math.max(0, clientY - startY.current));
  };
  const released = (): void => {
    startY.current = null;
    const isFar = pulledPx.current >= REACH_PX;
    if (isFar) onClose();
    else sheet.current?.style.removeProperty("translate");
  };
  return (
    <button
      type="button"
      className="sheet-grabber"
      aria-label={texts.close}
      onPointerDown={({ clientY, currentTarget, pointerId }) => {
        startY.current = clientY;
        pulledPx.current = 0;
        currentTarget.setPointerCapture(pointerId);
      }}
      onPointerMove={pulled}
      onPointerUp={released}
      onPointerCancel={released}
      // A pull that was too short or long enough ends with a click, too.
      onClick={() => pulledPx.current < SLACK_PX && onClose()}
    />
  );
}
