/**
 * The 113 binary tasks of sae-probes 0.4.2 (Kantamneni et al. 2025), in the order of its list: the file's name, its rows,
 * and the values of its column `target`, of which the second is the positive class.
 */

export interface SaeProbesTask {
  name: string;
  rows: number;
  /** Negative and positive. */
  classes: readonly [string, string];
}

const table = `
5_hist_fig_ismale|5000|0|1
6_hist_fig_isamerican|5000|0|1
7_hist_fig_ispolitician|5000|0|1
21_headline_istrump|5000|False|True
22_headline_isobama|1656|False|True
23_headline_ischina|1858|False|True
24_headline_isiran|1388|False|True
26_headline_isfrontpage|5000|0|1
36_sciq_tf|5000|0|1
41_truthqa_tf|786|correct|incorrect
42_temp_sense|2224|no|yes
44_phys_tf|5000|0|1
47_reasoning_tf|2696|A|B
48_cm_correct|5000|0|1
49_cm_isshort|5000|False|True
50_deon_isvalid|5000|0|1
51_just_is|5000|0|1
52_virtue_is|4830|0|1
54_cs_tf|5000|no|yes
56_wikidatasex_or_gender|5000|female|male
57_wikidatais_alive|5000|False|True
58_wikidatapolitical_party|3000|Democratic Party|Republican Party
59_wikidata_occupation_isjournalist|2000|0|1
60_wikidata_occupation_isathlete|2000|0|1
61_wikidata_occupation_isactor|2000|0|1
62_wikidata_occupation_ispolitician|2000|0|1
63_wikidata_occupation_issinger|2000|0|1
64_wikidata_occupation_isresearcher|1960|0|1
65_high-school|3200|bigram|not_bigram
66_living-room|3118|bigram|not_bigram
67_social-security|3200|bigram|not_bigram
68_credit-card|3200|bigram|not_bigram
69_blood-pressure|3200|bigram|not_bigram
70_prime-factors|3200|bigram|not_bigram
71_social-media|3200|bigram|not_bigram
72_gene-expression|3200|bigram|not_bigram
73_control-group|3200|bigram|not_bigram
74_magnetic-field|3200|bigram|not_bigram
75_cell-lines|3200|bigram|not_bigram
76_trial-court|3200|bigram|not_bigram
77_second-derivative|3200|bigram|not_bigram
78_north-america|3200|bigram|not_bigram
79_human-rights|3200|bigram|not_bigram
80_side-effects|3200|bigram|not_bigram
81_public-health|3200|bigram|not_bigram
82_federal-government|3200|bigram|not_bigram
83_third-party|3200|bigram|not_bigram
84_clinical-trials|3200|bigram|not_bigram
85_mental-health|3200|bigram|not_bigram
87_glue_cola|5000|0|1
89_glue_mrpc|2388|0|1
90_glue_qnli|5000|0|1
91_glue_qqp|5000|0|1
92_glue_sst2|5000|0|1
94_ai_gen|5000|0|1
95_toxic_is|728|0|1
96_spam_is|1494|0|1
100_news_fake|3120|0|1
105_click_bait|2568|clickbait|factual
106_hate_hate|5000|0|1
107_hate_offensive|5000|0|1
110_aimade_humangpt3|5000|0|1
113_movie_sent|5000|0|1
114_nyc_borough_Manhattan|2000|0|1
115_nyc_borough_Brooklyn|2000|0|1
116_nyc_borough_Bronx|2000|0|1
117_us_state_FL|1000|0|1
118_us_state_CA|1000|0|1
119_us_state_TX|1000|0|1
120_us_timezone_Chicago|3332|0|1
121_us_timezone_New_York|3332|0|1
122_us_timezone_Los_Angeles|3332|0|1
123_world_country_United_Kingdom|2000|0|1
124_world_country_United_States|2000|0|1
125_world_country_Italy|2000|0|1
126_art_type_book|3332|0|1
127_art_type_song|3332|0|1
128_art_type_movie|3332|0|1
129_arith_mc_A|1494|0|1
130_temp_cat_Frequency|1062|0|1
131_temp_cat_Typical Time|1062|0|1
132_temp_cat_Event Ordering|1062|0|1
133_context_type_Causality|1250|0|1
134_context_type_Belief_states|1250|0|1
135_context_type_Event_duration|1250|0|1
136_glue_mnli_entailment|3332|0|1
137_glue_mnli_neutral|3332|0|1
138_glue_mnli_contradiction|3332|0|1
139_news_class_Politics|2500|0|1
140_news_class_Technology|2500|0|1
141_news_class_Entertainment|2500|0|1
142_cancer_cat_Thyroid_Cancer|1368|0|1
143_cancer_cat_Lung_Cancer|1368|0|1
144_cancer_cat_Colon_Cancer|1368|0|1
145_disease_class_digestive system diseases|1052|0|1
146_disease_class_cardiovascular diseases|1052|0|1
147_disease_class_nervous system diseases|1052|0|1
148_twt_emotion_worry|2500|0|1
149_twt_emotion_happiness|2500|0|1
150_twt_emotion_sadness|2500|0|1
151_it_tick_HR Support|1428|0|1
152_it_tick_Hardware|1428|0|1
153_it_tick_Administrative rights|1428|0|1
154_athlete_sport_football|1772|0|1
155_athlete_sport_basketball|1772|0|1
156_athlete_sport_baseball|1772|0|1
157_amazon_5star|2000|0|1
158_code_C|4000|0|1
159_code_Python|4000|0|1
160_code_HTML|4000|0|1
161_agnews_0|4000|0|1
162_agnews_1|4000|0|1
163_agnews_2|4000|0|1
`;

export const saeProbesTasks: readonly SaeProbesTask[] = table
  .trim()
  .split('\n')
  .map((line) => {
    const [name, rows, negative, positive] = line.split('|') as [string, string, string, string];
    return { name, rows: Number(rows), classes: [negative, positive] };
  });
