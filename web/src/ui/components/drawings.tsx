import "./drawings.css";

/** A speech bubble with room for an icon, and one that answers it. */
export function Bubbles() {
  return (
    <svg className="drawing" viewBox="0 0 176 120" aria-hidden="true">
      <path
        className="asked"
        d="M48 6h72a22 22 0 0 1 22 22v36a22 22 0 0 1-22 22H34a8 8 0 0 1-8-8V28A22 22 0 0 1 48 6Z"
      />
      <path
        className="gap"
        d="M100 68h38a20 20 0 0 1 20 20v20a10 10 0 0 1-10 10H100a20 20 0 0 1-20-20v-10a20 20 0 0 1 20-20Z"
      />
      <path
        className="answered"
        d="M100 72h38a16 16 0 0 1 16 16v20a6 6 0 0 1-6 6H100a16 16 0 0 1-16-16v-10a16 16 0 0 1 16-16Z"
      />
      <path className="answered-words" d="M101 88h36M101 99h22" />
    </svg>
  );
}

/** A short conversation of two people: a message with a reaction, and the answer. */
export function Conversation() {
  return (
    <svg className="drawing" viewBox="0 0 220 140" aria-hidden="true">
      <rect className="asked" width="220" height="140" rx="18" />
      <Face x={36} y={37} />
      <path className="names" d="M66 27h38" />
      <path className="asked-words" d="M66 42h112" />
      <g transform="translate(63 53)">
        <rect className="pill" width="32" height="22" rx="11" />
        <path
          className="heart"
          d="M16 17.2C10.3 13.3 9.3 10.8 9.3 9a3.5 3.5 0 0 1 6.7-1.5A3.5 3.5 0 0 1 22.7 9c0 1.8-1 4.3-6.7 8.2Z"
        />
      </g>
      <Face x={36} y={104} isSecond />
      <path className="names" d="M66 94h52" />
      <path className="asked-words" d="M66 109h120M66 121h64" />
    </svg>
  );
}

/** `x`, `y`: the middle. */
function Face({ x, y, isSecond = false }: { x: number; y: number; isSecond?: boolean }) {
  return (
    <g transform={`translate(${x} ${y})`} className={isSecond ? "second" : undefined}>
      <circle className="behind" r="17" />
      {isSecond && <path className="hair" d="M-10 7V-4.5a10 10 0 0 1 20 0V7Z" />}
      <path className="shoulders" d="M-12.5 11.5a12.5 8 0 0 1 25 0A17 17 0 0 1-12.5 11.5Z" />
      <path className="neck" d="M-3 0h6v5.5a3 3 0 0 1-6 0Z" />
      <circle className="head" cy="-3.5" r="7.4" />
      <path className="eyes" d="M-2.7-3.4v.01M2.7-3.4v.01" />
      <path
        className="hair"
        d={
          isSecond
            ? "M-8.3-3.2a8.3 8.5 0 0 1 16.6 0Q3.6-4.5 1.2-8.5-1.8-4-8.3-3.2Z"
            : "M-8.1-3.6a8.1 8.1 0 0 1 16.2 0Q6.5-7.5 1.8-7.3-5.4-7-8.1-3.6Z"
        }
      />
    </g>
  );
}
