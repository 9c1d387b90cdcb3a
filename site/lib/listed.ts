/** What is made of the listed records: once a build, as several pages and files are of the same. */
import { columnsOf, metricColumns } from './columns-of.ts';
import { once } from './once.ts';
import { listedRecords } from './records.ts';

const columns = once(columnsOf);
const metrics = once(metricColumns);

export const listedColumns = async () => columns(await listedRecords());
export const listedMetrics = async () => metrics(await listedRecords());
