import { File, FileArchive, FileImage, FileMusic, FileText, FileVideoCamera } from "lucide-react";

const ICONS = [
  { fits: /^image\//, icon: FileImage },
  { fits: /^audio\//, icon: FileMusic },
  { fits: /^video\//, icon: FileVideoCamera },
  { fits: /^text\/|pdf|document|word/, icon: FileText },
  { fits: /zip|tar|compressed|rar/, icon: FileArchive },
];

/** An icon for the type of a file; its name is beside it. */
export function FileIcon({ type }: { type: string | undefined }) {
  const Icon = ICONS.find(({ fits }) => fits.test(type ?? ""))?.icon ?? File;
  return <Icon className="icon file-icon" aria-hidden="true" />;
}
