/** An upload thread that dies when it is first asked to upload, or says how many names it was to remove. */
import type { UploadJob } from '../../../../runner/job/release/upload-thread.ts';
import { serve } from '../../../../runner/threads/body.ts';

serve<{ dies: boolean }, UploadJob, string>(({ dies }) => ({
  async answer({ remove }) {
    if (dies) process.exit(6);
    return `${remove.length}123456789abcdef`;
  },
}));
