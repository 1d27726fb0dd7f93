export interface PushKey {
  publicKey: string;
}
export interface PushDevice {
  id: string;
  kind: "web" | "gateway";
  userAgent?: string;
  createdAt: string;
}
export interface PushDevicePage {
  items: PushDevice[];
}
