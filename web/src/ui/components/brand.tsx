import { logoAddress } from "../../branding";
import { texts } from "../../texts";
import "./brand.css";

export function Logo({ size }: { size: number }) {
  return <img className="logo" src={logoAddress()} alt="" width={size} height={size} />;
}

/** The logo, the name and a sentence, above the forms of the entrance. */
export function EntranceHead() {
  return (
    <header className="entrance-head">
      <Logo size={56} />
      <h1>{texts.name}</h1>
      <p>{texts.tagline}</p>
    </header>
  );
}
