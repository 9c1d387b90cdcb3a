const MIB = 2 ** 20;

/** Bytes that nvidia-smi says a card has. */
export const cards: Readonly<Record<string, number>> = {
  'a100-40gb': 40_960 * MIB,
  'a100-80gb': 81_920 * MIB,
  h100: 81_559 * MIB,
  h200: 143_771 * MIB,
  l40s: 46_068 * MIB,
  'rtx-4090': 24_564 * MIB,
  'rtx-5090': 32_607 * MIB,
  'rtx-pro-6000': 97_887 * MIB,
};
