// Generated from registry/camera.yaml by `npm run generate`. Do not edit.

export interface MetricDefinition {
  label: string;
  group: string;
  kind: "gauge" | "counter" | "state";
  /** UCUM. */
  unit: string;
  brief: string;
  /** Names of the values of a state. */
  values?: Readonly<Record<string, string>>;
  /** Where a GoPro recording carries it. */
  gpmf?: { stream?: string; components?: readonly string[]; sticky?: string };
}

/** Position of the focus group, 0 (near) to 1 (far), as in ONVIF imaging. */
export const METRIC_CAMERA_LENS_FOCUS_POSITION = "camera.lens.focus.position";

/** Position of the zoom group, 0 (wide) to 1 (tele). */
export const METRIC_CAMERA_LENS_ZOOM_POSITION = "camera.lens.zoom.position";

/** Attenuation of light by the iris, as in ONVIF imaging: 0 dB is fully open. It is not an f-number. */
export const METRIC_CAMERA_LENS_IRIS_ATTENUATION = "camera.lens.iris.attenuation";

/** What the focus motor does, as in ONVIF imaging. */
export const METRIC_CAMERA_FOCUS_MOVE_STATUS = "camera.focus.move_status";

/** Analogue and digital gain of the sensor. */
export const METRIC_CAMERA_SENSOR_GAIN = "camera.sensor.gain";

/** Sensor gain as ISO speed divided by 100, as recorded by the camera. */
export const METRIC_CAMERA_SENSOR_ISO = "camera.sensor.iso";

/** Temperature of the image sensor. */
export const METRIC_CAMERA_SENSOR_TEMPERATURE = "camera.sensor.temperature";

/** Exposure time of a frame. */
export const METRIC_CAMERA_EXPOSURE_TIME = "camera.exposure.time";

/** Position of the infrared-cut filter, as in ONVIF imaging. */
export const METRIC_CAMERA_IR_CUT_STATE = "camera.ir_cut.state";

/** Temperature of the air at the housing. */
export const METRIC_CAMERA_ENVIRONMENT_TEMPERATURE = "camera.environment.temperature";

/** Relative humidity at the housing. */
export const METRIC_CAMERA_ENVIRONMENT_HUMIDITY = "camera.environment.humidity";

/** Light that falls on the scene. */
export const METRIC_CAMERA_ENVIRONMENT_ILLUMINANCE = "camera.environment.illuminance";

/** Radiometric temperature at the measuring spot. */
export const METRIC_CAMERA_THERMAL_SPOT_TEMPERATURE = "camera.thermal.spot.temperature";

/** Highest radiometric temperature in the measuring box. */
export const METRIC_CAMERA_THERMAL_BOX_TEMPERATURE_MAX = "camera.thermal.box.temperature.max";

/** Mean motion vector of the picture, to the right, in thousandths of its width a second. */
export const METRIC_CAMERA_MOTION_VECTOR_X = "camera.motion.vector.x";

/** Mean motion vector of the picture, downwards, in thousandths of its height a second. */
export const METRIC_CAMERA_MOTION_VECTOR_Y = "camera.motion.vector.y";

/** Length of the mean motion vector. */
export const METRIC_CAMERA_MOTION_MAGNITUDE = "camera.motion.magnitude";

/** Cells of the motion grid that changed. */
export const METRIC_CAMERA_MOTION_CELLS_ACTIVE = "camera.motion.cells.active";

/** Acceleration of the camera's body; attribute component names the axis. */
export const METRIC_CAMERA_IMU_ACCELERATION = "camera.imu.acceleration";

/** Rotation of the camera's body; attribute component names the axis. */
export const METRIC_CAMERA_IMU_ANGULAR_VELOCITY = "camera.imu.angular_velocity";

/** Temperature of the motion sensor. */
export const METRIC_CAMERA_IMU_TEMPERATURE = "camera.imu.temperature";

/** Frames captured. */
export const METRIC_CAMERA_FRAMES_CAPTURED = "camera.frames.captured";

/** Frames dropped before they were encoded. */
export const METRIC_CAMERA_FRAMES_DROPPED = "camera.frames.dropped";

/** Bytes of encoded picture sent. */
export const METRIC_CAMERA_STREAM_IO = "camera.stream.io";

/** Packets of encoded picture sent. */
export const METRIC_CAMERA_STREAM_PACKETS = "camera.stream.packets";

/** Packets that the receiver reported as lost. */
export const METRIC_CAMERA_STREAM_PACKETS_LOST = "camera.stream.packets.lost";

/** Time since the camera started. */
export const METRIC_CAMERA_UPTIME = "camera.uptime";

/** The camera's own verdict on itself. */
export const METRIC_CAMERA_STATUS = "camera.status";

/** Whether somebody covers, turns or defocuses the camera. */
export const METRIC_CAMERA_TAMPER_STATE = "camera.tamper.state";

/** Components of a recording that hold no value (null); attribute stream names the stream. */
export const METRIC_CAMERA_SOURCE_NULLS = "camera.source.nulls";

/** From the first to the last sample that is missing. */
export const METRIC_CAMERA_GAP_DURATION = "camera.gap.duration";

/** Reports that are missing in the gap. */
export const METRIC_CAMERA_GAP_REPORTS = "camera.gap.reports";

/** Every metric of the camera.* convention, by name. */
export const METRICS: Readonly<Record<string, MetricDefinition>> = {
  "camera.lens.focus.position": {"label":"Focus","group":"lens","kind":"gauge","unit":"1","brief":"Position of the focus group, 0 (near) to 1 (far), as in ONVIF imaging."},
  "camera.lens.zoom.position": {"label":"Zoom","group":"lens","kind":"gauge","unit":"1","brief":"Position of the zoom group, 0 (wide) to 1 (tele)."},
  "camera.lens.iris.attenuation": {"label":"Iris","group":"lens","kind":"gauge","unit":"dB","brief":"Attenuation of light by the iris, as in ONVIF imaging: 0 dB is fully open. It is not an f-number."},
  "camera.focus.move_status": {"label":"Focus movement","group":"lens","kind":"state","unit":"1","brief":"What the focus motor does, as in ONVIF imaging.","values":{"0":"idle","1":"moving","2":"hunting","3":"unknown"}},
  "camera.sensor.gain": {"label":"Sensor gain","group":"sensor","kind":"gauge","unit":"dB","brief":"Analogue and digital gain of the sensor."},
  "camera.sensor.iso": {"label":"ISO / 100","group":"sensor","kind":"gauge","unit":"1","brief":"Sensor gain as ISO speed divided by 100, as recorded by the camera.","gpmf":{"stream":"ISOG","components":[]}},
  "camera.sensor.temperature": {"label":"Sensor temperature","group":"sensor","kind":"gauge","unit":"Cel","brief":"Temperature of the image sensor."},
  "camera.exposure.time": {"label":"Exposure time","group":"sensor","kind":"gauge","unit":"s","brief":"Exposure time of a frame.","gpmf":{"stream":"SHUT","components":[]}},
  "camera.ir_cut.state": {"label":"IR-cut filter","group":"sensor","kind":"state","unit":"1","brief":"Position of the infrared-cut filter, as in ONVIF imaging.","values":{"0":"on","1":"off","2":"switching","3":"unknown"}},
  "camera.environment.temperature": {"label":"Air temperature","group":"environment","kind":"gauge","unit":"Cel","brief":"Temperature of the air at the housing."},
  "camera.environment.humidity": {"label":"Humidity","group":"environment","kind":"gauge","unit":"%","brief":"Relative humidity at the housing."},
  "camera.environment.illuminance": {"label":"Illuminance","group":"environment","kind":"gauge","unit":"lx","brief":"Light that falls on the scene."},
  "camera.thermal.spot.temperature": {"label":"Thermal spot","group":"thermal","kind":"gauge","unit":"Cel","brief":"Radiometric temperature at the measuring spot."},
  "camera.thermal.box.temperature.max": {"label":"Thermal maximum","group":"thermal","kind":"gauge","unit":"Cel","brief":"Highest radiometric temperature in the measuring box."},
  "camera.motion.vector.x": {"label":"Motion x","group":"motion","kind":"gauge","unit":"1","brief":"Mean motion vector of the picture, to the right, in thousandths of its width a second."},
  "camera.motion.vector.y": {"label":"Motion y","group":"motion","kind":"gauge","unit":"1","brief":"Mean motion vector of the picture, downwards, in thousandths of its height a second."},
  "camera.motion.magnitude": {"label":"Motion","group":"motion","kind":"gauge","unit":"1","brief":"Length of the mean motion vector."},
  "camera.motion.cells.active": {"label":"Active cells","group":"motion","kind":"gauge","unit":"{cell}","brief":"Cells of the motion grid that changed."},
  "camera.imu.acceleration": {"label":"Acceleration","group":"movement","kind":"gauge","unit":"m/s2","brief":"Acceleration of the camera's body; attribute component names the axis.","gpmf":{"stream":"ACCL","components":["z","x","y"]}},
  "camera.imu.angular_velocity": {"label":"Angular velocity","group":"movement","kind":"gauge","unit":"rad/s","brief":"Rotation of the camera's body; attribute component names the axis.","gpmf":{"stream":"GYRO","components":["z","x","y"]}},
  "camera.imu.temperature": {"label":"IMU temperature","group":"movement","kind":"gauge","unit":"Cel","brief":"Temperature of the motion sensor.","gpmf":{"sticky":"temperature [°C]"}},
  "camera.frames.captured": {"label":"Frames captured","group":"output","kind":"counter","unit":"{frame}","brief":"Frames captured."},
  "camera.frames.dropped": {"label":"Frames dropped","group":"output","kind":"counter","unit":"{frame}","brief":"Frames dropped before they were encoded."},
  "camera.stream.io": {"label":"Stream bytes","group":"output","kind":"counter","unit":"By","brief":"Bytes of encoded picture sent."},
  "camera.stream.packets": {"label":"Packets","group":"output","kind":"counter","unit":"{packet}","brief":"Packets of encoded picture sent."},
  "camera.stream.packets.lost": {"label":"Packets lost","group":"output","kind":"counter","unit":"{packet}","brief":"Packets that the receiver reported as lost."},
  "camera.uptime": {"label":"Uptime","group":"health","kind":"counter","unit":"s","brief":"Time since the camera started."},
  "camera.status": {"label":"Status","group":"health","kind":"state","unit":"1","brief":"The camera's own verdict on itself.","values":{"0":"ok","1":"degraded","2":"fault","3":"unknown"}},
  "camera.tamper.state": {"label":"Tamper","group":"health","kind":"state","unit":"1","brief":"Whether somebody covers, turns or defocuses the camera.","values":{"0":"none","1":"covered","2":"moved","3":"defocused"}},
  "camera.source.nulls": {"label":"Missing components","group":"health","kind":"counter","unit":"{component}","brief":"Components of a recording that hold no value (null); attribute stream names the stream."},
  "camera.gap.duration": {"label":"Gap","group":"gaps","kind":"gauge","unit":"s","brief":"From the first to the last sample that is missing."},
  "camera.gap.reports": {"label":"Reports lost","group":"gaps","kind":"gauge","unit":"{report}","brief":"Reports that are missing in the gap."},
};
