/** An upload thread that dies when it is first asked to upload, or says that it has. */
import { serve } from '../../../../runner/threads/body.ts';

serve<{ dies: boolean }, unknown, string>(({ dies }) => ({
  async answer() {
    if (dies) process.exit(6);
    return '0123456789abcdef';
  },
}));
