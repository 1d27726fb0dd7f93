import { type FormEvent, useState } from "react";
import { texts } from "../../texts";
import { Dialog } from "../components/dialog";
import { FormButtons } from "../components/form_buttons";
import { StatusTextFields, useStatusText } from "./status_text";
import { useSaving } from "./use_saving";
import "./status_dialog.css";

type Preset = (typeof texts.settings.statusPresets)[number];

/** Sets the status text and its end, also from a list of usual ones. */
export default function StatusDialog({ onClose }: { onClose: () => void }) {
  const before = useStatusText();
  const saving = useSaving();
  const [preset, setPreset] = useState<Preset>();
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    if (await saving.save(() => before.save(form))) onClose();
  };
  return (
    <Dialog title={texts.account.statusTitle} onClose={onClose} isChanged={preset !== undefined}>
      <form onSubmit={(event) => void submit(event)}>
        <StatusTextFields preset={preset}>
          <ul className="status-presets">
            {texts.settings.statusPresets.map((each) => (
              <li key={each.text}>
                <button type="button" onClick={() => setPreset(each)}>
                  <span dir="auto">{each.text}</span>
                  <span className="status-until">{texts.settings.clearChoices[each.until]}</span>
                </button>
              </li>
            ))}
            {before.text !== "" && (
              <li>
                <button type="button" onClick={() => setPreset({ text: "", until: "never" })}>
                  {texts.settings.clearStatus}
                </button>
              </li>
            )}
          </ul>
        </StatusTextFields>
        <FormButtons problem={saving.problem} action={texts.places.save} disabled={saving.busy} onClose={onClose} />
      </form>
    </Dialog>
  );
}
