//! Every container × codec that is measured: those in use that the installed ffmpeg can write. Headerless files (raw
//! GSM, G.722) are absent, because no content identifies them.

use super::codec::*;
use super::family::{Family, Joint, audio, video};

const H264: &str = "libx264 -preset veryfast -crf 26";
const H264_NO_B: &str = "libx264 -preset veryfast -crf 26 -bf 0";
const HEVC: &str = "libx265 -preset ultrafast -x265-params log-level=none -tag:v hvc1";
const MPEG4: &str = "mpeg4 -q:v 4";
const MPEG2: &str = "mpeg2video -q:v 4 -bf 2";
const MPEG1: &str = "mpeg1video -q:v 4";
const VP8: &str = "libvpx -deadline realtime -cpu-used 8 -b:v 1M";
const VP9: &str = "libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 1M";
const H263: &str = "h263 -q:v 4";
const FLV1: &str = "flv -q:v 4";
const MJPEG: &str = "mjpeg -q:v 4 -pix_fmt yuvj420p";
const PRORES: &str = "prores_ks -profile:v 0";
const WMV2: &str = "wmv2 -q:v 4";
const THEORA: &str = "libtheora -q:v 7";
const DV: &str = "dvvideo -s 720x576 -pix_fmt yuv420p";
const RV10: &str = "rv10 -q:v 4";
/// SMPTE D-10 at 50 Mb/s.
const IMX: &str = "mpeg2video -s 720x608 -pix_fmt yuv422p -b:v 50000k -minrate 50000k -maxrate 50000k \
    -bufsize 2000000 -rc_init_occupancy 2000000 -g 1 -intra_vlc 1 -non_linear_quant 1 -ps 1 -qmin 1 -qmax 12 -dc 10 \
    -flags +ildct+low_delay -field_order tt";

/// Delay of the start in files of ffmpeg's `mp4` muxers when B-frames are reordered and no edit list is written: the
/// first audio packet is at zero, all others and the video two frames later.
const REORDER_MS: f64 = 80.0;
/// Delay of one stream relative to the other in some rows: ten frames.
const LATE_MS: f64 = 400.0;
/// AVI counts frames, so ffmpeg compensates the delay of the audio codec by delaying the video by whole frames, from
/// the second frame on.
const AVI_FRAME_MS: f64 = 40.0;
/// ffmpeg encodes WMA with a delay of one frame, whereas its decoder, like others, drops two.
const LOST_WMA_MS: f64 = -2_048.0 * 1_000.0 / 44_100.0;

/// Families of ISO base media and QuickTime.
const MP4: &[Family] = &[
    video(
        "MP4",
        "mp4",
        H264,
        &[AAC, AAC_44, MP3, MP2, OPUS, VORBIS, FLAC, ALAC, AC3, EAC3, DTS.audio_late(), TRUEHD],
    ),
    video("MP4, HEVC, faststart", "mp4", HEVC, &[AAC]).options("-movflags +faststart"),
    video("MP4, audio late", "mp4", H264, &[AAC, AC3]).offset("-itsoffset 0.4", "").late(LATE_MS, 0.0),
    video("MP4, video late", "mp4", H264, &[AAC, OPUS])
        .offset("", "-itsoffset 0.4")
        .options("-fps_mode passthrough")
        .late(0.0, LATE_MS),
    audio("MP4, audio only", "mp4", &[AAC_44, MP3, OPUS, FLAC]),
    audio("M4A", "m4a", &[AAC, ALAC, AC3]),
    video("MP4, fragmented, empty moov", "mp4", H264, &[AAC, FLAC, OPUS])
        .options("-movflags +frag_keyframe+empty_moov")
        .late(REORDER_MS, REORDER_MS),
    video("MP4, fragmented, delayed moov", "mp4", H264, &[AAC, MP3, OPUS, EAC3])
        .options("-movflags +frag_keyframe+delay_moov"),
    video("MP4, fragmented, global sidx", "mp4", H264, &[AAC])
        .options("-movflags +frag_keyframe+delay_moov+default_base_moof+global_sidx"),
    audio("MP4, fragmented, CMAF", "mp4", &[AAC.presented()]).options("-movflags +cmaf+delay_moov"),
    video("MP4, HLS segments joined", "mp4", H264, &[AAC.presented(), AC3.presented()])
        .options("-f hls -hls_segment_type fmp4 -hls_time 2 -hls_list_size 0")
        .joint(Joint::Segments),
    video("3GP", "3gp", H263, &[AAC]),
    video("3G2", "3g2", MPEG4, &[AAC]),
    video("F4V", "f4v", H264, &[AAC.presented()]),
    video("ISMV", "ismv", H264_NO_B, &[AAC.audio_late()]),
    video("QuickTime", "mov", H264, &[AAC, ALAC, MP3, AC3, U8, S8, S16LE, S16BE, S24LE, S24BE, S32LE, S32BE]),
    video("QuickTime", "mov", H264, &[F32LE, F32BE, F64LE, F64BE, MULAW, ALAW, ADPCM_IMA_QT, ADPCM_MS]),
    video("QuickTime, ProRes", "mov", PRORES, &[S24LE]),
    video("QuickTime, Motion JPEG", "mov", MJPEG, &[S16BE]),
];

/// Families of Matroska and WebM.
const MATROSKA: &[Family] = &[
    video("Matroska", "mkv", H264, &[AAC.presented(), AAC_44.presented(), MP3.presented(), MP2.presented()]),
    video(
        "Matroska",
        "mkv",
        H264,
        &[AC3.presented(), EAC3.presented(), DTS.audio_late(), OPUS.video_late(), VORBIS],
    ),
    video(
        "Matroska",
        "mkv",
        H264,
        &[FLAC, ALAC, WAVPACK, TTA, TRUEHD, MLP, S16LE, S16BE, S24LE, F32LE, ADPCM_MS],
    ),
    video("Matroska, live", "mkv", H264, &[AAC.presented(), OPUS.video_late()]).options("-live 1"),
    video("Matroska, audio late", "mkv", H264, &[FLAC]).offset("-itsoffset 0.4", "").late(LATE_MS, 0.0),
    video("Matroska, video late", "mkv", H264, &[VORBIS]).offset("", "-itsoffset 0.4").late(0.0, LATE_MS),
    audio("Matroska, audio only", "mka", &[OPUS, FLAC, AAC.presented(), AC3.presented()]),
    video("WebM", "webm", VP9, &[OPUS.video_late(), VORBIS]),
    video("WebM, VP8", "webm", VP8, &[VORBIS]),
    audio("WebM, audio only", "webm", &[OPUS]),
];

/// Families of transport and program streams.
const MPEG: &[Family] = &[
    video("MPEG-TS", "ts", H264, &[AAC.presented(), MP2.presented(), MP3.presented(), AC3.presented()]),
    video("MPEG-TS", "ts", H264, &[EAC3.presented(), OPUS.presented(), DTS.audio_late(), S302M, TRUEHD]),
    video("MPEG-TS, LATM", "ts", H264, &[AAC.presented()]).options("-mpegts_flags latm"),
    video("MPEG-TS, MPEG-2", "ts", MPEG2, &[MP2.presented(), AC3.presented()]),
    video("MPEG-TS, audio late", "ts", H264, &[S302M]).offset("-itsoffset 0.4", "").late(LATE_MS, 0.0),
    audio("MPEG-TS, audio only", "ts", &[AAC.presented()]),
    video("M2TS", "m2ts", H264, &[AC3.presented(), BLURAY, TRUEHD, DTS.audio_late()]),
    video("MPEG-PS", "mpg", MPEG1, &[MP2.presented(), MP3.presented()]),
    video("VOB", "vob", MPEG2, &[MP2.presented(), AC3.presented(), DVD, DTS.audio_late()]),
    video("SVCD", "mpg", MPEG2, &[MP2.at(44_100, 2).presented()]).options("-f svcd"),
];

/// Families of AVI, Flash, Windows Media and broadcast formats.
const VIDEO: &[Family] = &[
    video(
        "AVI",
        "avi",
        MPEG4,
        &[MP2.audio_late(), AC3.audio_late(), DTS.audio_late(), ADPCM_MS, ADPCM_IMA_WAV],
    ),
    video("AVI", "avi", MPEG4, &[MP3.audio_late(), MP3_VBR.audio_late(), AAC.audio_late()])
        .late(0.0, AVI_FRAME_MS),
    video("AVI", "avi", MPEG4, &[WMA2.audio_late()]).late(0.0, 2.0 * AVI_FRAME_MS),
    video("AVI", "avi", MPEG4, &[S16LE, S16LE_44, MULAW]),
    video("AVI, H.264", "avi", H264_NO_B, &[MP3.audio_late()]).late(0.0, AVI_FRAME_MS),
    video("AVI, DV", "avi", DV, &[S16LE]),
    video("FLV", "flv", H264, &[AAC.presented(), MP3.at(44_100, 2).presented()]),
    video(
        "FLV, Sorenson",
        "flv",
        FLV1,
        &[MP3.at(44_100, 2).presented(), NELLYMOSER.presented(), ADPCM_SWF, S16LE_44],
    ),
    video("FLV, Sorenson", "flv", FLV1, &[SPEEX.presented()]).late(SPEEX_DECODER_MS, 0.0),
    video("ASF", "wmv", WMV2, &[WMA1, WMA2, MP3.presented(), AC3.presented()]),
    audio("ASF, audio only", "wma", &[WMA1, WMA2]).late(LOST_WMA_MS, 0.0),
    video("MXF", "mxf", MPEG2, &[S16LE, S24LE]),
    video("MXF, D-10", "mxf", IMX, &[S16LE]).options("-f mxf_d10"),
    audio("MXF, OP-Atom", "mxf", &[S16LE_MONO]).options("-f mxf_opatom"),
    video("DV", "dv", DV, &[S16LE]),
    video("WTV", "wtv", MPEG2, &[MP2.presented(), AC3.presented()]),
    video("RealMedia", "rm", RV10, &[AC3.audio_late()]),
    video("Ogg, Theora", "ogv", THEORA, &[VORBIS, OPUS]),
];

/// Families of audio containers.
const AUDIO: &[Family] = &[
    audio("Ogg", "ogg", &[VORBIS, OPUS, FLAC]),
    audio("Ogg, chained", "ogg", &[VORBIS, OPUS]).joint(Joint::Halves("-serial_offset 7")),
    audio("Ogg", "ogg", &[SPEEX.presented()]).late(SPEEX_DECODER_MS, 0.0),
    audio("WAV", "wav", &[S16LE, S24LE, S32LE, F32LE, F64LE, U8, ALAW_8, MULAW_8, ADPCM_MS, ADPCM_IMA_WAV]),
    audio(
        "WAV",
        "wav",
        &[ADPCM_YAMAHA, G722.presented(), G726, GSM_MS, MP3.presented(), MP2.presented(), AC3.presented()],
    ),
    audio("WAV, broadcast", "wav", &[S16LE]).options("-write_bext 1"),
    audio("RF64", "wav", &[S16LE, S24LE]).options("-rf64 always"),
    audio("Wave64", "w64", &[S16LE, S24LE, F32LE]),
    audio("AIFF", "aiff", &[S16BE, S24BE, S32BE]),
    audio("AIFF-C", "aifc", &[S16LE, F32BE, MULAW, ALAW, ADPCM_IMA_QT]).options("-f aiff"),
    audio("AU", "au", &[S16BE, MULAW_8, F32BE]),
    audio("CAF", "caf", &[S16LE, S24BE, F32BE, ALAC, OPUS.presented(), ADPCM_IMA_QT, MULAW]),
    audio("FLAC", "flac", &[FLAC]),
    audio("WavPack", "wv", &[WAVPACK]),
    audio("TTA", "tta", &[TTA]),
    audio("MP3", "mp3", &[MP3, MP3_VBR, MP3_16]),
    audio("MP3, no LAME tag", "mp3", &[MP3.presented()]).options("-write_xing 0 -id3v2_version 0"),
    audio("MP3, two files joined", "mp3", &[MP3_JOINED]).joint(Joint::Halves("")),
    audio("MP2", "mp2", &[MP2.presented()]),
    audio("ADTS", "aac", &[AAC.presented()]),
    audio("LATM", "latm", &[AAC.presented()]),
    audio("AC-3", "ac3", &[AC3.presented()]),
    audio("E-AC-3", "eac3", &[EAC3.presented()]),
    audio("DTS", "dts", &[DTS.presented()]),
    audio("TrueHD", "thd", &[TRUEHD]),
];

/// All families, container by container.
pub(crate) fn families() -> impl Iterator<Item = &'static Family> {
    [MP4, MATROSKA, MPEG, VIDEO, AUDIO].into_iter().flatten()
}
